"""Tries and waits of a whole call, against services that fail in their several ways."""

from __future__ import annotations

import time
from collections.abc import Iterable
from itertools import count

import anyio
import pytest

from stockade.boundary.client import AddressPolicy, AsyncClient, Circuit, Limits, Retries
from stockade.core.errors import CircuitOpen, UpstreamError, UpstreamTimeout
from stockade.core.events import Event
from tests.boundary.client.conftest import Caller, Names
from tests.boundary.client.services import GOOD, VICTIM, Handler, Seen, Service, reply

POLICY = AddressPolicy(networks=[GOOD], plain_http=True)
SOON = Retries(tries=3, base=0.01)


def failing(times: int, status: int = 503, **headers: str) -> Handler:
    """Fails so often, then works."""
    calls = count()
    return lambda seen: reply(b"", status, **headers) if next(calls) < times else reply(b"ok")


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_passing_failure(status: int, calls: Caller) -> None:
    with Service(failing(2, status)) as service, calls(policy=POLICY, retries=SOON) as call:
        assert call("PUT", service.url(), content=b"x").content == b"ok"
        assert [seen.body for seen in service.seen] == [b"x"] * 3


def test_a_lasting_failure(calls: Caller) -> None:
    with Service(failing(9)) as service, calls(policy=POLICY, retries=SOON) as call:
        assert call("GET", service.url()).status == 503
        assert len(service.seen) == 3


@pytest.mark.parametrize("status", [400, 404, 500, 501])
def test_what_a_second_try_does_not_mend(status: int, calls: Caller) -> None:
    with Service(failing(1, status)) as service, calls(policy=POLICY, retries=SOON) as call:
        assert call("GET", service.url()).status == status
        assert len(service.seen) == 1


def test_what_must_not_happen_twice(calls: Caller) -> None:
    with Service(failing(1)) as service, calls(policy=POLICY, retries=SOON) as call:
        assert call("POST", service.url()).status == 503
        assert len(service.seen) == 1
    with Service(failing(1)) as service, calls(policy=POLICY, retries=SOON) as call:
        assert call("POST", service.url(), headers={"Idempotency-Key": "k"}).content == b"ok"
        assert [seen.headers["idempotency-key"] for seen in service.seen] == ["k", "k"]


def test_retry_after_is_waited_for(calls: Caller) -> None:
    with Service(failing(1, Retry_After="1")) as service, calls(policy=POLICY) as call:
        start = time.monotonic()
        assert call("GET", service.url()).content == b"ok"
        assert time.monotonic() - start >= 1.0


@pytest.mark.parametrize("asked", ["3600", "Fri, 01 Jan 2100 00:00:00 GMT"])
def test_a_service_cannot_hold_a_call_for_long(asked: str, calls: Caller) -> None:
    with Service(failing(1, Retry_After=asked)) as service, calls(policy=POLICY) as call:
        start = time.monotonic()
        assert call("GET", service.url()).status == 503
        assert time.monotonic() - start < 5
        assert len(service.seen) == 1


def test_a_wait_that_would_end_too_late_is_not_begun(calls: Caller) -> None:
    with Service(failing(1, Retry_After="5")) as service, calls(policy=POLICY) as call:
        start = time.monotonic()
        assert call("GET", service.url(), limits=Limits(total=2)).status == 503
        assert time.monotonic() - start < 2


def test_a_connection_that_breaks(calls: Caller, events: list[Event]) -> None:
    times = count()

    def handler(seen: Seen) -> Iterable[bytes]:
        if next(times) < 1:
            raise OSError  # closes the connection
        return [reply(b"ok")]

    with Service(handler) as service, calls(policy=POLICY, retries=SOON) as call:
        assert call("GET", service.url()).content == b"ok"
        assert events == []
        times = count()
        with pytest.raises(UpstreamError) as caught:
            call("POST", service.url())
    assert caught.value.rule == "client.disconnected"
    assert [(event.name, event.outcome) for event in events] == [("upstream_failed", "failed")]


def test_nobody_there(names: Names, calls: Caller, events: list[Event]) -> None:
    with Service(lambda seen: reply()) as service:
        url = service.url()
    with calls(policy=POLICY, retries=SOON) as call, pytest.raises(UpstreamError) as caught:
        call("GET", url)
    assert caught.value.rule == "client.unreachable"
    assert (caught.value.problem().status, len(events)) == (502, 1)


def test_a_circuit(calls: Caller, events: list[Event]) -> None:
    once = Retries(tries=1)
    circuit = Circuit(failures=2, seconds=0.5)
    with Service(failing(2)) as service:
        with calls(service.url(), policy=POLICY, retries=once, circuit=circuit) as call:
            assert [call("GET", "/").status for _ in range(2)] == [503, 503]
            for _ in range(3):
                with pytest.raises(CircuitOpen):
                    call("GET", "/")
            assert len(service.seen) == 2
            time.sleep(0.6)
            assert call("GET", "/").content == b"ok"
            assert call("GET", "/").content == b"ok"
        origin = service.url().rstrip("/")
    told = [(event.rule, event.outcome, event.details["open"]) for event in events]
    assert told == [("client.circuit", "blocked", True), ("client.circuit", "allowed", False)]
    assert {event.details["upstream"] for event in events} == {origin}


def test_a_circuit_that_opens_under_ones_own_tries(calls: Caller) -> None:
    tries = Retries(tries=5, base=0.0)
    with (
        Service(failing(9)) as service,
        calls(policy=POLICY, retries=tries, circuit=Circuit(failures=2)) as call,
    ):
        assert call("GET", service.url()).status == 503
        assert len(service.seen) == 2


def test_a_refused_address_opens_no_circuit(names: Names, calls: Caller) -> None:
    names["flips.example"] = [[VICTIM], [VICTIM], [GOOD]]
    with (
        Service(lambda seen: reply(b"ok")) as service,
        calls(policy=POLICY, circuit=Circuit(failures=1)) as call,
    ):
        for _ in range(2):
            with pytest.raises(UpstreamError):
                call("GET", service.url(host="flips.example"))
        assert call("GET", service.url(host="flips.example")).ok


def test_a_refused_address_forgives_no_failure(names: Names, calls: Caller) -> None:
    names["flips.example"] = [[GOOD], [VICTIM], [GOOD]]
    options = {"policy": POLICY, "retries": Retries(tries=1), "circuit": Circuit(failures=2)}
    with Service(failing(9, Connection="close")) as service, calls(**options) as call:
        url = service.url(host="flips.example")
        assert call("GET", url).status == 503
        with pytest.raises(UpstreamError):
            call("GET", url)
        assert call("GET", url).status == 503
        with pytest.raises(CircuitOpen):
            call("GET", url)


def test_a_cancelled_look_lets_the_next_one_look() -> None:
    down = True

    def handler(seen: Seen) -> Iterable[bytes]:
        if seen.path == "/slow":
            time.sleep(0.5)
        return [reply(status=503 if down else 200)]

    async def scenario(service: Service) -> None:
        nonlocal down
        client = AsyncClient(
            service.url(), policy=POLICY, retries=Retries(tries=1),
            circuit=Circuit(failures=1, seconds=0.05),
        )  # fmt: skip
        assert (await client.get("/")).status == 503
        down = False
        await anyio.sleep(0.1)
        with anyio.move_on_after(0.1) as scope:
            await client.get("/slow")
        assert scope.cancelled_caught
        assert (await client.get("/")).status == 200
        await client.close()

    with Service(handler) as service:
        anyio.run(scenario, service)


def test_the_callers_own_cancellation_is_no_time_out() -> None:
    def handler(seen: Seen) -> Iterable[bytes]:
        time.sleep(0.5)
        return [reply()]

    async def scenario(service: Service) -> None:
        client = AsyncClient(policy=POLICY)
        with pytest.raises(TimeoutError) as caught:
            with anyio.fail_after(0.1):
                await client.get(service.url())
        assert not isinstance(caught.value, UpstreamTimeout)
        await client.close()

    with Service(handler) as service:
        anyio.run(scenario, service)


def test_redirects_and_tries_share_one_deadline(calls: Caller) -> None:
    def handler(seen: Seen) -> Iterable[bytes]:
        time.sleep(0.2)
        return [reply(status=302, location=seen.path + "x")]

    limits = Limits(total=0.7, max_redirects=50)
    with Service(handler) as service, calls(policy=POLICY, limits=limits) as call:
        with pytest.raises(UpstreamTimeout):
            call("GET", service.url())
        assert len(service.seen) <= 4

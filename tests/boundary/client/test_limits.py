"""A call is over in time, however the other side spreads out its bytes."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator

import httpx2
import pytest

from stockade.boundary.client import AddressPolicy, Limits
from stockade.boundary.client.limits import Deadline
from stockade.core.errors import ConfigError, UpstreamTimeout
from stockade.core.events import Event
from tests.boundary.client.conftest import Caller
from tests.boundary.client.services import GOOD, Seen, Service, reply

POLICY = AddressPolicy(networks=[GOOD], plain_http=True)
SILENCE, TOTAL, DRIP = 1.0, 0.5, 0.1
LONG = 1.5  # seconds: three times what is allowed, and less than twenty drips take
DRIPS = 20
"""Every drip comes well within SILENCE, and all of them take four times TOTAL."""


def drip(pieces: Iterable[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        yield piece
        time.sleep(DRIP)


def slow_head(seen: Seen) -> Iterable[bytes]:
    yield b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
    yield from drip(b"x-%d: y\r\n" % number for number in range(DRIPS))
    yield b"\r\n"


def early_hints(seen: Seen) -> Iterable[bytes]:
    yield from drip([b"HTTP/1.1 103 Early Hints\r\n\r\n"] * DRIPS)
    yield reply()


def slow_body(seen: Seen) -> Iterable[bytes]:
    yield b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % DRIPS
    yield from drip([b"x"] * DRIPS)


def slow_chunks(seen: Seen) -> Iterable[bytes]:
    yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    yield from drip([b"1\r\nx\r\n"] * DRIPS)
    yield b"0\r\n\r\n"


@pytest.mark.parametrize("handler", [slow_head, early_hints, slow_body, slow_chunks])
def test_a_slow_drip(
    handler: Callable[[Seen], Iterable[bytes]], calls: Caller, events: list[Event]
) -> None:
    limits = Limits(read=SILENCE, total=TOTAL)
    with Service(handler) as service, calls(policy=POLICY, limits=limits) as call:
        start = time.monotonic()
        assert httpx2.get(service.url(), timeout=SILENCE, trust_env=False).status_code == 200
        assert time.monotonic() - start > LONG
        start = time.monotonic()
        with pytest.raises(UpstreamTimeout):
            call("GET", service.url())
        assert time.monotonic() - start < LONG
    assert [(event.name, event.rule) for event in events] == [("upstream_failed", "client.timeout")]


def sips(connection: socket.socket, done: threading.Event) -> None:
    """Read a little, often enough that no single write waits for long."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    try:
        while not done.wait(0.02) and connection.recv(16_384):
            pass
    except OSError:
        pass


def test_a_slow_reader(calls: Caller) -> None:
    limits = Limits(read=SILENCE, total=TOTAL)
    done = threading.Event()
    with socket.create_server((GOOD, 0)) as listener:
        url = f"http://{GOOD}:{listener.getsockname()[1]}/"

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                sips(connection, done)

        thread = threading.Thread(target=serve)
        thread.start()
        with calls(policy=POLICY) as call:
            start = time.monotonic()
            with pytest.raises(UpstreamTimeout):
                call("POST", url, content=b"x" * (32 * 2**20), limits=limits)
            assert time.monotonic() - start < 10 * TOTAL
        done.set()
        thread.join(10)


def test_no_answer_at_all(calls: Caller) -> None:
    def silent(seen: Seen) -> Iterable[bytes]:
        time.sleep(2.0)
        return [reply()]

    with Service(silent) as service, calls(policy=POLICY) as call:
        start = time.monotonic()
        with pytest.raises(UpstreamTimeout) as caught:
            call("GET", service.url(), limits=Limits(read=0.2))
        assert time.monotonic() - start < 2.0
    assert caught.value.problem().status == 504


def test_an_honest_slow_service(calls: Caller) -> None:
    with Service(slow_chunks) as service, calls(policy=POLICY) as call:
        assert call("GET", service.url()).content == b"x" * DRIPS


@pytest.mark.parametrize("name", ["connect", "read", "total", "max_bytes", "max_headers"])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_what_is_no_limit(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=name):
        Limits(**{name: value})  # type: ignore[arg-type]


def test_no_redirect_is_a_limit() -> None:
    assert Limits(max_redirects=0).max_redirects == 0


def test_a_deadline_that_has_passed() -> None:
    assert 0 < Deadline(5).within(9) <= 5
    with pytest.raises(UpstreamTimeout):
        Deadline(0).within(9)

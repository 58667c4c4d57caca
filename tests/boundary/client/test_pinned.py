"""Server-side request forgery: it works with a bare client, and not with ours, in the same run."""

from __future__ import annotations

import socket
from ipaddress import ip_address

import httpx2
import pytest

from stockade.boundary.client import AddressPolicy, Client
from stockade.core.errors import UpstreamError, UpstreamRefused
from stockade.core.events import Event
from tests.boundary.client.conftest import Caller, Names
from tests.boundary.client.services import GOOD, VICTIM, Service, reply

SECRET = b"aws_secret_access_key"
ONLY_GOOD = AddressPolicy(networks=[GOOD], plain_http=True)


def victim(port: int = 0) -> Service:
    return Service(lambda seen: reply(SECRET), VICTIM, port)


def refused(events: list[Event]) -> Event:
    (event,) = events
    assert (event.name, event.outcome, event.part) == ("malicious_ssrf", "blocked", "boundary")
    assert VICTIM not in repr(event)
    return event


@pytest.mark.asvs("V1.3.6")
@pytest.mark.parametrize(
    "spelling", ["evil.example", "127.0.0.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"]
)
def test_a_name_or_spelling_of_loopback(
    spelling: str, names: Names, calls: Caller, events: list[Event]
) -> None:
    names["evil.example"] = [[VICTIM]]
    with victim() as service, calls(policy=ONLY_GOOD) as call:
        url = service.url(host=spelling)
        assert httpx2.get(url, trust_env=False).content == SECRET
        with pytest.raises(UpstreamRefused):
            call("GET", url)
        assert len(service.seen) == 1
    event = refused(events)
    assert (event.rule, event.details["reach"]) == ("client.address", "loopback")


def test_the_second_resolution_of_a_name(names: Names, calls: Caller) -> None:
    with victim() as service, Service(lambda seen: reply(b"good"), GOOD, service.port) as good:
        url = good.url(host="rebound.example")

        def naive() -> bytes:
            for entry in socket.getaddrinfo("rebound.example", good.port):
                assert ip_address(entry[4][0]) == ip_address(GOOD)
            return httpx2.get(url, trust_env=False).content

        names["rebound.example"] = [[GOOD], [VICTIM]]
        assert naive() == SECRET
        names["rebound.example"] = [[GOOD], [VICTIM]]
        with calls(policy=ONLY_GOOD) as call:
            assert call("GET", url).content == b"good"
        assert names["rebound.example"] == [[VICTIM]]  # it was asked once
        assert len(service.seen) == 1


def test_one_bad_address_among_good_ones(names: Names, calls: Caller, events: list[Event]) -> None:
    names["mixed.example"] = [[GOOD, VICTIM]]
    with Service(lambda seen: reply(b"good")) as good, calls(policy=ONLY_GOOD) as call:
        with pytest.raises(UpstreamRefused):
            call("GET", good.url(host="mixed.example"))
        assert good.seen == []
    assert refused(events).rule == "client.address"


def test_a_redirect_inwards(names: Names, calls: Caller, events: list[Event]) -> None:
    names["good.example"] = [[GOOD]]
    with victim() as service:
        location = service.url("/latest/meta-data")
        with Service(lambda seen: reply(status=302, location=location)) as good:
            url = good.url(host="good.example")
            assert httpx2.get(url, follow_redirects=True, trust_env=False).content == SECRET
            with calls(policy=ONLY_GOOD) as call, pytest.raises(UpstreamRefused):
                call("GET", url)
        assert len(service.seen) == 1
    assert refused(events).details["hop"] == 1


def test_a_proxy_of_the_environment(calls: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    token = {"authorization": "Bearer s3cret"}
    with victim() as proxy, Service(lambda seen: reply(b"good")) as good:
        monkeypatch.setenv("http_proxy", proxy.url())
        monkeypatch.setenv("HTTP_PROXY", proxy.url())
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        assert httpx2.get(good.url(), headers=token).content == SECRET
        assert proxy.seen[0].headers["authorization"] == "Bearer s3cret"
        with calls(policy=ONLY_GOOD) as call:
            assert call("GET", good.url(), headers=token).content == b"good"
        assert len(proxy.seen) == 1


def test_a_connection_is_used_again(names: Names, calls: Caller) -> None:
    names["good.example"] = [[GOOD]]
    with Service(lambda seen: reply(b"good")) as good, calls(policy=ONLY_GOOD) as call:
        for _ in range(3):
            assert call("GET", good.url(host="good.example")).content == b"good"
    assert [seen.connection for seen in good.seen] == [1, 1, 1]
    assert good.seen[0].headers["host"] == f"good.example:{good.port}"


def test_the_next_address_is_tried(names: Names, calls: Caller) -> None:
    policy = AddressPolicy(networks=["127.0.0.0/29"], plain_http=True)
    names["two.example"] = [["127.0.0.3", GOOD]]
    with Service(lambda seen: reply(b"good")) as good, calls(policy=policy) as call:
        assert call("GET", good.url(host="two.example")).content == b"good"


def test_an_internal_service_that_is_listed(names: Names, calls: Caller) -> None:
    names["billing.internal"] = [[VICTIM]]
    policy = AddressPolicy(hosts=["billing.internal"])
    with victim() as service, calls(policy=policy) as call:
        assert call("GET", service.url(host="billing.internal")).content == SECRET
        with pytest.raises(UpstreamRefused):
            call("GET", service.url())


def test_a_resolver_of_ones_own() -> None:
    asked: list[tuple[str, int]] = []

    def resolver(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return [GOOD]

    with (
        Service(lambda seen: reply(b"good")) as good,
        Client(policy=ONLY_GOOD, resolver=resolver) as client,
    ):
        assert client.get(good.url(host="any.example")).content == b"good"
    assert asked == [("any.example", good.port)]


def test_a_name_that_does_not_resolve(names: Names, calls: Caller) -> None:
    names["nobody.example"] = [[]]
    with calls(policy=ONLY_GOOD, retries=None) as call, pytest.raises(UpstreamError) as caught:
        call("GET", "http://nobody.example/")
    assert caught.value.rule == "client.unreachable"

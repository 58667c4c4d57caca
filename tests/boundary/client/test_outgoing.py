"""What is sent, and what goes along when the service redirects."""

from __future__ import annotations

import httpx2
import pytest

from stockade.boundary.client import AddressPolicy, Client, Limits
from stockade.boundary.client.message import Headers, Message
from stockade.boundary.client.outgoing import Outgoing, make, redirected
from stockade.boundary.client.target import read_target
from stockade.core.errors import ConfigError, UpstreamRefused
from stockade.core.events import Event
from stockade.core.secret import Secret
from tests.boundary.client.conftest import Caller
from tests.boundary.client.services import GOOD, Seen, Service, reply

OTHER = "127.0.0.3"
POLICY = AddressPolicy(networks=[GOOD, OTHER], plain_http=True)
SECRETS = {"authorization": "Bearer t", "x-api-key": "k", "cookie": "s=1", "x-tenant": "clinic"}


def mirror(seen: Seen) -> bytes:
    return reply(b"ok")


def test_credentials_stay_with_the_first_origin(calls: Caller) -> None:
    with (
        Service(mirror, OTHER) as other,
        Service(lambda seen: reply(status=302, location=other.url("/in"))) as first,
    ):
        # httpx2 knows Authorization, and no name that services choose themselves.
        httpx2.get(first.url(), headers=SECRETS, follow_redirects=True, trust_env=False)
        assert other.seen[0].headers["x-api-key"] == "k"
        with calls(policy=POLICY) as call:
            call("GET", first.url(), headers={**SECRETS, "Accept": "text/plain"})
        assert first.seen[1].headers.items() >= SECRETS.items()
        assert not SECRETS.keys() & other.seen[1].headers.keys()
        assert other.seen[1].headers["accept"] == "text/plain"
        assert other.seen[1].headers["host"] == f"{OTHER}:{other.port}"


def test_a_body_stays_with_the_first_origin(calls: Caller, events: list[Event]) -> None:
    with (
        Service(mirror, OTHER) as other,
        Service(lambda seen: reply(status=307, location=other.url())) as first,
    ):
        httpx2.post(first.url(), content=b"pin", follow_redirects=True, trust_env=False)
        assert other.seen[0].body == b"pin"
        with calls(policy=POLICY) as call, pytest.raises(UpstreamRefused) as caught:
            call("POST", first.url(), content=b"pin")
        assert len(other.seen) == 1
    assert caught.value.rule == "client.redirect_body"
    assert [event.name for event in events] == ["upstream_failed"]


SMALL = 8_000
"""Bytes of a request's head that the service below takes, as most do."""


def small(seen: Seen) -> bytes:
    """Answers as a server does whose buffers are full."""
    if len(seen.path) > SMALL:
        return reply(status=414)
    sent = sum(len(name) + len(value) for name, value in seen.headers.items())
    return reply(status=431 if sent > SMALL else 200)


TOO_MUCH: list[tuple[str, dict[str, str], int, str]] = [
    ("/" + "a" * SMALL, {}, 414, "client.url"),
    ("/?q=" + "%C3%A9" * 1_500, {}, 414, "client.url"),
    ("/", {"cookie": "session=" + "a" * SMALL}, 431, "client.size"),
    ("/", {f"x-{number}": "a" * 900 for number in range(10)}, 431, "client.size"),
]


@pytest.mark.asvs("V4.2.5")
@pytest.mark.parametrize(("path", "headers", "status", "rule"), TOO_MUCH)
def test_what_a_server_would_not_take_is_not_sent(
    path: str, headers: dict[str, str], status: int, rule: str, calls: Caller, events: list[Event]
) -> None:
    """One such cookie, and every later request of that visitor fails, over there."""
    with Service(small) as service:
        bare = httpx2.get(service.url(path), headers=headers, trust_env=False)
        assert bare.status_code == status
        with calls(policy=POLICY) as call:
            with pytest.raises(UpstreamRefused) as caught:
                call("GET", service.url(path), headers=headers)
            assert caught.value.rule == rule
            assert len(service.seen) == 1
            honest = {"cookie": "a" * 7_000}
            assert call("GET", service.url("/?q=" + "a" * 7_000), headers=honest).status == 200
    assert [event.rule for event in events] == [rule]


def test_a_service_that_takes_more_gets_it(calls: Caller) -> None:
    limits = Limits(max_sent_headers=20_000)
    with Service(mirror) as service, calls(policy=POLICY, limits=limits) as call:
        assert call("GET", service.url(), headers={"cookie": "a" * SMALL}).status == 200


def test_redirects_within_one_origin(calls: Caller) -> None:
    def handler(seen: Seen) -> bytes:
        if seen.path == "/old":
            return reply(status=307, location="/new?page=2#part")
        return reply(seen.path.encode())

    with Service(handler) as service, calls(policy=POLICY) as call:
        answer = call("POST", service.url("/old"), headers=SECRETS, json={"a": 1})
        assert (answer.content, answer.url) == (b"/new?page=2", service.url("/new?page=2"))
    assert [seen.body for seen in service.seen] == [b'{"a":1}'] * 2
    assert service.seen[1].headers.items() >= SECRETS.items()
    assert service.seen[1].headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("status", "method", "after"),
    [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "PUT", "GET"),
        (303, "HEAD", "HEAD"),
        (301, "PUT", "PUT"),
        (308, "POST", "POST"),
        (302, "GET", "GET"),
    ],
)
def test_the_method_after_a_redirect(status: int, method: str, after: str) -> None:
    before = outgoing(method, {}, Message(content=b"x"))
    following = redirected(before, status, "/b")
    assert following is not None
    assert (following.method, following.body) == (after, b"" if after != method else b"x")


@pytest.mark.parametrize("status", [200, 300, 304, 305, 306, 404])
def test_what_is_no_redirect(status: int) -> None:
    assert redirected(outgoing("GET", {}, Message()), status, "/b") is None


def test_a_redirect_without_a_place() -> None:
    assert redirected(outgoing("GET", {}, Message()), 302, None) is None


@pytest.mark.parametrize(
    ("location", "rule"),
    [
        ("http://a.example/", "client.downgrade"),
        ("HTTP://b.example/", "client.downgrade"),
        ("file:///etc/passwd", "client.redirect"),
        ("javascript:alert(1)", "client.redirect"),
        ("gopher://a.example:6379/_FLUSHALL", "client.redirect"),
        ("https://user:word@a.example/", "client.redirect"),
        ("//", "client.redirect"),
        ("/" + "a" * 9_000, "client.redirect"),
    ],
)
def test_redirects_that_are_not_followed(location: str, rule: str) -> None:
    with pytest.raises(UpstreamRefused) as caught:
        redirected(outgoing("GET", {}, Message()), 302, location)
    assert caught.value.rule == rule


def test_a_loop_of_redirects(calls: Caller) -> None:
    with (
        Service(lambda seen: reply(status=302, location=seen.path + "x")) as service,
        calls(policy=POLICY, limits=Limits(max_redirects=3)) as call,
        pytest.raises(UpstreamRefused) as caught,
    ):
        call("GET", service.url())
    assert caught.value.rule == "client.redirects"
    assert len(service.seen) == 4


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "internal"},
        {"Transfer-Encoding": "chunked"},
        {"content-length": "5"},
        {"Connection": "upgrade"},
        {"accept-encoding": "br"},
        {"proxy-authorization": "x"},
    ],
)
def test_headers_that_frame_the_message(headers: Headers) -> None:
    with pytest.raises(UpstreamRefused) as caught:
        outgoing("GET", headers, Message())
    assert caught.value.rule == "client.header"


@pytest.mark.parametrize("value", ["a\r\nHost: internal", "a\nb", "a\0b", "☃"])
def test_header_injection(value: str, calls: Caller) -> None:
    with Service(mirror) as service, calls(policy=POLICY) as call:
        with pytest.raises(UpstreamRefused) as caught:
            call("GET", service.url(), headers={"x-name": value})
        assert service.seen == []
        assert call("GET", service.url(), headers={"x-name": "a b\tc"}).ok
    assert caught.value.rule == "client.request"
    assert value not in repr(caught.value)


@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "get", "GET /x HTTP/1.1\r\n", ""])
def test_methods_that_are_not_called(method: str) -> None:
    with pytest.raises(UpstreamRefused) as caught:
        outgoing(method, {}, Message())
    assert caught.value.rule == "client.method"


def test_bodies_and_queries(calls: Caller) -> None:
    with Service(mirror) as service, calls(policy=POLICY) as call:
        call("POST", service.url("/?a=1"), params={"q": "x&y=ü"}, data={"name": "Zoë"})
        call("POST", service.url(), files={"file": ("a.txt", b"text")}, data={"b": "2"})
        call("POST", service.url())
        call("PUT", service.url(), content="text", headers={"Content-Type": "text/plain"})
    form, multipart, empty, text = service.seen
    assert (form.path, form.body) == ("/?a=1&q=x%26y%3D%C3%BC", b"name=Zo%C3%AB")
    assert form.headers["content-type"] == "application/x-www-form-urlencoded"
    assert b"text" in multipart.body
    assert b'name="b"' in multipart.body
    assert multipart.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert empty.headers["content-length"] == "0"
    assert (text.body, text.headers["content-type"]) == (b"text", "text/plain")


def test_a_secret_in_a_header(calls: Caller) -> None:
    versions = iter(["first", "second"])
    token = Secret(get=lambda: next(versions), label="token")
    with (
        Service(mirror) as service,
        calls(service.url(), headers={"Authorization": token}, policy=POLICY) as call,
    ):
        call("GET", "/a")
        call("GET", "/b")
    assert [seen.headers["authorization"] for seen in service.seen] == ["first", "second"]


def test_headers_for_every_host_are_no_credentials() -> None:
    Client(headers={"User-Agent": "clinic"}).close()
    with pytest.raises(ConfigError, match="base_url"):
        Client(headers={"X-Api-Key": "k"})


def outgoing(method: str, headers: Headers, message: Message) -> Outgoing:
    lower = {name.lower(): value for name, value in headers.items()}
    return make(method, read_target("https://a.example/a"), lower, message)

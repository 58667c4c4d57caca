"""One reading of a URL, and no way out of a base."""

from __future__ import annotations

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.boundary.client import AddressPolicy
from stockade.boundary.client.target import Base, read_target
from stockade.core.errors import ConfigError, UpstreamRefused
from stockade.core.events import Event
from tests.boundary.client.conftest import Caller
from tests.boundary.client.services import GOOD, VICTIM, Service, reply


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("https://API.example", "api.example", 443),
        ("http://api.example.:8080/x", "api.example", 8080),
        ("https://[2001:DB8::1]:444/", "2001:db8::1", 444),
        ("https://bücher.example/", "xn--bcher-kva.example", 443),
        ("http://0177.0.0.1/", "127.0.0.1", 80),
        ("http://0x7f000001/", "127.0.0.1", 80),
        ("http://①②⑦.1/", "127.0.0.1", 80),
        ("http://[::ffff:10.0.0.1]/", "::ffff:a00:1", 80),
        ("https:\\\\api.example\\x", "api.example", 443),
        (" https://a\tpi.example/ ", "api.example", 443),
    ],
)
def test_the_host_that_is_meant(url: str, host: str, port: int) -> None:
    target = read_target(url)
    assert (target.host, target.port) == (host, port)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.example",
        "/path",
        "//api.example/",
        "file:///etc/passwd",
        "gopher://api.example/",
        "ftp://api.example/",
        "data:text/plain,x",
        "https://user@api.example/",
        "https://user:word@api.example/",
        "https://api.example:70000/",
        "https://api.example:0/",
        "https://a b.example/",
        "https://[::1%25lo]/",
        "https://1.2.3.4.5/",
        "https:///",
        "https://api.example/" + "x" * 8_000,
    ],
)
def test_what_is_not_called(url: str) -> None:
    with pytest.raises(UpstreamRefused) as caught:
        read_target(url)
    assert caught.value.rule == "client.url"
    assert caught.value.__suppress_context__


@given(st.text(max_size=60))
def test_any_text_is_read_as_two_libraries_read_it_or_refused(text: str) -> None:
    try:
        target = read_target("https://" + text)
    except UpstreamRefused:
        return
    assert read_target(target.url) == target
    other = httpx2.URL(target.url)
    assert other.raw_host.decode().strip("[]").rstrip(".") == target.host
    assert (other.port or 443) == target.port


BASE = "https://api.example/v1/"


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("patients/12", BASE + "patients/12"),
        ("/patients/12?a=b", BASE + "patients/12?a=b"),
        ("", BASE),
        ("a/../b", BASE + "b"),
        ("..%2fadmin", BASE + "..%2fadmin"),
        ("//evil.example/x", BASE + "evil.example/x"),
        ("search?q=https://evil.example", BASE + "search?q=https://evil.example"),
        (BASE + "x", BASE + "x"),
        ("HTTPS://api.EXAMPLE:443/v1/x", BASE + "x"),
        ("x@evil.example", BASE + "x@evil.example"),
    ],
)
def test_paths_below_the_base(path: str, url: str) -> None:
    assert Base(BASE).join(path).url == url
    assert Base(BASE.rstrip("/")).join(path).url == url


@pytest.mark.parametrize(
    "path",
    [
        "../admin",
        "%2e%2e/admin",
        "a/../../admin",
        "..\\admin",
        "https://evil.example/v1/x",
        "http://api.example/v1/x",
        "https://api.example:8443/v1/x",
        "https://api.example/v10/x",
        "https://api.example.evil.example/v1/",
        "https:\\\\evil.example/v1/://",
    ],
)
def test_ways_out_of_the_base(path: str) -> None:
    with pytest.raises(UpstreamRefused) as caught:
        Base(BASE).join(path)
    assert caught.value.rule == "client.base"


@given(st.text(max_size=40))
def test_no_path_leads_out_of_the_base(path: str) -> None:
    try:
        target = Base(BASE).join(path)
    except UpstreamRefused:
        return
    assert target.url.startswith(BASE)


@pytest.mark.parametrize("url", ["api.example", "https://u@api.example/", BASE + "?a=b", ""])
def test_what_is_no_base(url: str) -> None:
    with pytest.raises(ConfigError, match="base_url"):
        Base(url)


def test_a_path_of_an_attacker(calls: Caller, events: list[Event]) -> None:
    policy = AddressPolicy(networks=[GOOD, VICTIM], plain_http=True)
    token = {"authorization": "Bearer t"}
    with (
        Service(lambda seen: reply(b"ok"), VICTIM) as thief,
        Service(lambda seen: reply(seen.path.encode())) as good,
    ):
        with httpx2.Client(base_url=good.url("/v1/"), headers=token, trust_env=False) as bare:
            bare.get(thief.url())
            assert thief.seen[0].headers["authorization"] == "Bearer t"
            assert bare.get("users/../../admin").content == b"/admin"
        with calls(good.url("/v1/"), headers=token, policy=policy) as call:
            for path in (thief.url(), "users/../../admin"):
                with pytest.raises(UpstreamRefused):
                    call("GET", path)
            assert call("GET", "users/12").content == b"/v1/users/12"
        assert len(thief.seen) == 1
        assert [seen.path for seen in good.seen[1:]] == ["/v1/users/12"]
    assert [(event.name, event.rule) for event in events] == [
        ("upstream_failed", "client.base")
    ] * 2

"""Both clients from the outside: TLS by name, framing, verbs, and what they are not shared by."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio
import httpx2
import pytest

from stockade.boundary import Model
from stockade.boundary.client import AddressPolicy, AsyncClient, Client, Retries
from stockade.core.context import RequestContext, running
from stockade.core.errors import AnswerRejected, ConfigError, UpstreamError, UpstreamRefused
from stockade.core.events import Event
from stockade.core.spans import span_of
from stockade.core.trace_context import TraceContext
from tests.boundary.client.authority import Authority
from tests.boundary.client.conftest import Caller, Names
from tests.boundary.client.services import GOOD, Seen, Service, reply

POLICY = AddressPolicy(networks=[GOOD])
PLAIN = AddressPolicy(networks=[GOOD], plain_http=True)


class Greeting(Model):
    hello: str


def hello(seen: Seen) -> bytes:
    return reply(b'{"hello": "%s"}' % seen.method.encode(), content_type="application/json")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def test_tls_is_by_name_though_the_connection_is_by_number(
    authority: Authority, names: Names, calls: Caller
) -> None:
    names["api.example"] = [[GOOD]]
    context = authority.server("api.example")
    asked: list[str | None] = []
    context.sni_callback = lambda stream, name, _: asked.append(name)
    with (
        Service(hello, tls=context) as service,
        calls(service.url(host="api.example"), policy=POLICY, tls=authority.trusting) as call,
    ):
        assert call("GET", "/", model=Greeting).hello == "GET"
        assert call("GET", "/").ok
    assert asked == ["api.example"]
    assert {seen.connection for seen in service.seen} == {1}


@pytest.mark.parametrize("host", ["other.example", GOOD])
def test_a_certificate_for_somebody_else(
    host: str, authority: Authority, names: Names, calls: Caller, events: list[Event]
) -> None:
    names["api.example"] = [[GOOD]]
    with Service(hello, tls=authority.server(host)) as service:
        with (
            calls(policy=POLICY, tls=authority.trusting) as call,
            pytest.raises(UpstreamError) as caught,
        ):
            call("GET", service.url(host="api.example"))
        assert service.seen == []
    assert caught.value.rule == "client.tls"
    assert [event.rule for event in events] == ["client.tls"]


def test_an_authority_that_nobody_knows(
    authority: Authority,
    names: Names,
    calls: Caller,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    names["api.example"] = [[GOOD]]
    (tmp_path / "ca.pem").write_text(
        "".join(map(ssl.DER_cert_to_PEM_cert, authority.trusting.get_ca_certs(binary_form=True)))
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))  # the environment vouches for it
    with (
        Service(hello, tls=authority.server("api.example")) as service,
        calls(policy=POLICY) as call,
        pytest.raises(UpstreamError) as caught,
    ):
        call("GET", service.url(host="api.example"))
    assert caught.value.rule == "client.tls"


def test_from_https_to_http(
    authority: Authority, names: Names, calls: Caller, events: list[Event]
) -> None:
    names["api.example"] = [[GOOD]]
    token = {"authorization": "Bearer t"}
    with Service(hello) as plain:
        location = plain.url(host="api.example")
        handler = lambda seen: reply(status=302, location=location)  # noqa: E731
        with Service(handler, tls=authority.server("api.example")) as service:
            url = service.url(host="api.example")
            bare = httpx2.get(
                url, verify=authority.trusting, follow_redirects=True, trust_env=False
            )
            assert bare.json() == {"hello": "GET"}
            with (
                calls(policy=PLAIN, tls=authority.trusting) as call,
                pytest.raises(UpstreamRefused) as caught,
            ):
                call("GET", url, headers=token)
        assert len(plain.seen) == 1
    assert caught.value.rule == "client.downgrade"
    assert [event.name for event in events] == ["upstream_failed"]


@pytest.mark.parametrize("verify", ["none", "names"])
def test_a_context_that_does_not_verify(verify: str) -> None:
    context = ssl.create_default_context()
    context.check_hostname = False
    if verify == "none":
        context.verify_mode = ssl.CERT_NONE
    for kind in (Client, AsyncClient):
        with pytest.raises(ConfigError, match="verify"):
            kind(tls=context)


def test_chunks(calls: Caller) -> None:
    def handler(seen: Seen) -> Iterable[bytes]:
        yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        yield b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: z\r\n\r\n"

    with Service(handler) as service, calls(policy=PLAIN) as call:
        assert [call("GET", service.url()).content for _ in range(3)] == [b"abcde"] * 3
        assert {seen.connection for seen in service.seen} == {1}


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n x: y\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 200_000 + b"\r\n\r\n",
    ],
)
def test_what_is_no_http(answer: bytes, calls: Caller) -> None:
    with (
        Service(lambda seen: answer) as service,
        calls(policy=PLAIN) as call,
        pytest.raises(AnswerRejected) as caught,
    ):
        call("GET", service.url())
    assert caught.value.rule == "client.protocol"


def test_a_body_cut_short(calls: Caller) -> None:
    def handler(seen: Seen) -> Iterable[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"
        raise OSError

    with (
        Service(handler) as service,
        calls(policy=PLAIN, retries=Retries(tries=1)) as call,
        pytest.raises(UpstreamError),
    ):
        call("GET", service.url())


def test_cookies_are_not_kept(calls: Caller) -> None:
    with (
        Service(lambda seen: reply(Set_Cookie="session=1; Path=/")) as service,
        calls(policy=PLAIN) as call,
    ):
        call("GET", service.url())
        call("GET", service.url())
    assert "cookie" not in service.seen[1].headers


def test_verbs() -> None:
    with Service(hello) as service, Client(service.url(), policy=PLAIN) as client:
        assert client.get("/", model=Greeting).hello == "GET"
        assert client.post("/", model=Greeting).hello == "POST"
        assert client.put("/").read(Greeting).hello == "PUT"
        assert client.patch("/").read(Greeting).hello == "PATCH"
        assert client.delete("/").read(Greeting).hello == "DELETE"
        assert client.get("/").ok
        assert client.post("/").ok
        head = client.request("HEAD", "/")
        assert (head.content, head.headers["CONTENT-TYPE"]) == (b"", "application/json")


def test_verbs_in_tasks() -> None:
    async def scenario(url: str) -> None:
        async with AsyncClient(url, policy=PLAIN) as client:
            assert (await client.get("/", model=Greeting)).hello == "GET"
            assert (await client.post("/", model=Greeting)).hello == "POST"
            assert (await client.put("/")).read(Greeting).hello == "PUT"
            assert (await client.patch("/")).read(Greeting).hello == "PATCH"
            assert (await client.delete("/")).read(Greeting).hello == "DELETE"
            assert (await client.get("/")).ok
            assert (await client.post("/")).ok

    with Service(hello) as service:
        anyio.run(scenario, service.url())


def test_threads_share_a_client() -> None:
    def echo(seen: Seen) -> bytes:
        return reply(seen.path.encode())

    with (
        Service(echo) as service,
        Client(service.url(), policy=PLAIN) as client,
        ThreadPoolExecutor(8) as pool,
    ):
        contents = pool.map(lambda number: client.get(f"/{number}").content, range(80))
        assert list(contents) == [b"/%d" % number for number in range(80)]


def test_tasks_share_a_client() -> None:
    def echo(seen: Seen) -> bytes:
        return reply(seen.path.encode())

    async def scenario(url: str) -> None:
        async with AsyncClient(url, policy=PLAIN) as client, anyio.create_task_group() as group:

            async def one(number: int) -> None:
                assert (await client.get(f"/{number}")).content == b"/%d" % number

            for number in range(80):
                group.start_soon(one, number)

    with Service(echo) as service:
        anyio.run(scenario, service.url())


def test_a_declared_service_gets_the_trace_and_nobody_else_does(calls: Caller) -> None:
    request = RequestContext("r-1")
    request.trace = TraceContext("a" * 32, "b" * 16, 1, "foo=1")
    request.trace_id = request.trace.trace_id
    mine = {"traceparent": f"00-{'c' * 32}-{'d' * 16}-00"}
    with Service(hello) as service, running(request):
        url = service.url()
        with calls(url, policy=PLAIN) as call:
            call("GET", "/")
            call("GET", "/", headers=mine)
        with calls(policy=PLAIN) as call:
            call("GET", url)
    carried, given, undeclared = (seen.headers for seen in service.seen)
    assert carried["traceparent"] == f"00-{'a' * 32}-{span_of('r-1')}-01"
    assert carried["tracestate"] == "foo=1"
    assert (given["traceparent"], "tracestate" in given) == (mine["traceparent"], False)
    assert "traceparent" not in undeclared

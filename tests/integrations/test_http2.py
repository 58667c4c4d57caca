"""HTTP/2: what would split a request further on, or frame it anew, reaches no application.

The attacker's frames are real; the server is Hypercorn with its own check off, as servers had it
before CVE-2025-57804. Behind it stands a gateway that hands requests on as HTTP/1.1.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import h2.config
import h2.connection
import h2.events
import pytest
from hypercorn.asyncio import serve
from hypercorn.config import Config

from stockade.boundary import check_body
from stockade.core.config import DefenceSettings, Settings
from stockade.core.events import Event
from stockade.integrations.asgi import Outermost
from tests.integration.serving import free_port
from tests.integrations.test_asgi import ask, echo

App = Callable[..., Awaitable[None]]
Fields = list[tuple[str, str]]


class Gateway:
    """An application that writes each request down as HTTP/1.1, as it would go on to a backend."""

    def __init__(self) -> None:
        self.sent = b""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        fields = b"".join(b"%s: %s\r\n" % field for field in scope["headers"])
        self.sent += b"%s %s HTTP/1.1\r\n%s\r\n" % (
            scope["method"].encode(),
            scope["raw_path"],
            fields,
        )
        self.sent += body
        headers = [(b"connection", b"close"), (b"x-app", b"1")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"passed on"})

    def requests(self) -> list[bytes]:
        """What a backend that reads HTTP/1.1 takes it for."""
        return [line for line in self.sent.split(b"\r\n") if line.endswith(b" HTTP/1.1")]


def guarded(app: App, mode: Any = "block") -> App:
    settings = Settings(defence=DefenceSettings(mode=mode))
    return Outermost(app, settings, partial(check_body, max_depth=64))


async def exchange(app: App, fields: Fields, body: bytes) -> tuple[int, dict[str, str]]:
    """Serve `app`, send one request with `fields` as they are; the status and the answer's fields."""
    config, port, done = Config(), free_port(), asyncio.Event()
    config.bind, config.loglevel = [f"127.0.0.1:{port}"], "CRITICAL"
    server = asyncio.create_task(serve(app, config, shutdown_trigger=done.wait))
    try:
        for _ in range(200):
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                break
            except OSError:
                await asyncio.sleep(0.02)
        client = h2.connection.H2Connection(
            h2.config.H2Configuration(
                validate_outbound_headers=False, normalize_outbound_headers=False
            )
        )
        client.initiate_connection()
        head = [(":method", "POST" if body else "GET"), (":scheme", "http"), (":path", "/")]
        client.send_headers(
            1, [*head, (":authority", "bank.example"), *fields], end_stream=not body
        )
        if body:
            client.send_data(1, body, end_stream=True)
        writer.write(client.data_to_send())
        status, answered = 0, dict[str, str]()
        while data := await asyncio.wait_for(reader.read(65_536), 10):
            for event in client.receive_data(data):
                if isinstance(event, h2.events.ResponseReceived):
                    answered = {name.decode(): value.decode() for name, value in event.headers}
                    status = int(answered[":status"])
                if isinstance(event, h2.events.StreamEnded | h2.events.StreamReset):
                    writer.close()
                    return status, answered
        return status, answered
    finally:
        done.set()
        await server


@pytest.fixture
def credulous(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hypercorn asks h2 for no check of what comes in; what goes out is checked."""
    original = h2.config.H2Configuration.__init__

    def init(self: Any, client_side: bool = True, **options: Any) -> None:
        original(self, client_side, **(options | {"validate_inbound_headers": False}))

    monkeypatch.setattr(h2.config.H2Configuration, "__init__", init)


def talk(app: App, fields: Fields, body: bytes = b"") -> tuple[int, dict[str, str]]:
    return asyncio.run(exchange(app, fields, body))


SPLIT = "a\r\nhost: bank.example\r\n\r\nGET /admin HTTP/1.1\r\nhost: bank.example"
BREAKS: list[Fields] = [
    [("x-a", SPLIT)],
    [("x-a", "a\nb")],
    [("x-a", "a\rb")],
    [("x-a", "a\0b")],
    [("x-a: b\r\nx-b", "c")],
]
OF_HTTP_1: list[Fields] = [
    [("transfer-encoding", "chunked")],
    [("connection", "x-user")],
    [("keep-alive", "timeout=5")],
    [("proxy-connection", "keep-alive")],
    [("upgrade", "h2c")],
    [("te", "gzip")],
]


@pytest.mark.asvs("V4.2.4")
@pytest.mark.usefixtures("credulous")
def test_a_line_break_splits_no_request(events: list[Event]) -> None:
    bare = Gateway()
    assert talk(bare, BREAKS[0])[0] == 200
    assert bare.requests() == [b"GET / HTTP/1.1", b"GET /admin HTTP/1.1"]

    gateway = Gateway()
    assert talk(guarded(gateway), BREAKS[0])[0] == 400
    assert gateway.sent == b""
    assert [event.rule for event in events if event.outcome == "blocked"] == ["request.http2-break"]


@pytest.mark.asvs("V4.2.3")
@pytest.mark.usefixtures("credulous")
def test_fields_of_http_1_neither_come_nor_go(events: list[Event]) -> None:
    """A backend would read chunks where there is a request of the attacker's choice."""
    smuggled = b"0\r\n\r\nGET /admin HTTP/1.1\r\nhost: bank.example\r\n\r\n"
    bare = Gateway()
    assert talk(bare, OF_HTTP_1[0], smuggled)[0] == 200
    assert b"transfer-encoding: chunked\r\n" in bare.sent
    assert bare.requests() == [b"POST / HTTP/1.1", b"GET /admin HTTP/1.1"]

    gateway = Gateway()
    assert talk(guarded(gateway), OF_HTTP_1[0], smuggled)[0] == 400
    assert gateway.sent == b""
    assert [event.rule for event in events if event.outcome == "blocked"] == [
        "request.http2-connection"
    ]
    status, answered = talk(guarded(gateway), [])
    assert (status, answered["x-app"]) == (200, "1")
    assert "connection" not in answered


@pytest.mark.usefixtures("credulous")
def test_what_browsers_send_passes() -> None:
    gateway = Gateway()
    honest = [("accept", "*/*"), ("te", "trailers"), ("cookie", "a=b"), ("cookie", "c=d")]
    assert talk(guarded(gateway), [*honest, ("content-length", "4")], b"text")[0] == 200
    assert gateway.sent.endswith(b"\r\n\r\ntext")


@pytest.mark.parametrize("fields", [*BREAKS, *OF_HTTP_1])
@pytest.mark.parametrize("version", ["2", "3"])
def test_each_of_them_is_refused_and_http_1_is_its_servers(fields: Fields, version: str) -> None:
    headers = [(name.encode(), value.encode()) for name, value in fields]
    assert ask(echo, headers=headers, http_version=version).status == 400
    assert ask(echo, headers=headers).status == 200
    observing = Settings(defence=DefenceSettings(mode="observe"))
    assert ask(echo, headers=headers, http_version=version, settings=observing).status == 200


def test_an_answer_keeps_what_is_no_connections() -> None:
    async def old(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"Connection", b"close"), (b"transfer-encoding", b"chunked"), (b"x-app", b"1")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    over_http_2 = ask(old, http_version="2").headers
    assert over_http_2[b"x-app"] == b"1"
    assert not {b"Connection", b"transfer-encoding"} & set(over_http_2)
    assert ask(old).headers[b"Connection"] == b"close"


@pytest.mark.asvs("V4.2.1")
def test_a_body_is_as_long_as_its_frames(events: list[Event]) -> None:
    lies = [(b"content-length", b"2")]

    async def reads(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await echo(scope, receive, send)

    async def run(app: App, sent: list[Any]) -> None:
        async def receive() -> Any:
            return {"type": "http.request", "body": b"two and more", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http", "http_version": "2", "method": "POST", "path": "/", "raw_path": b"/",
            "query_string": b"", "client": None, "scheme": "https", "headers": lies,
        }  # fmt: skip
        await app(scope, receive, send)

    for app, status in ((reads, 200), (guarded(reads), 400)):
        sent: list[Any] = []
        asyncio.run(run(app, sent))
        assert sent[0]["status"] == status
    assert [event.rule for event in events if event.outcome == "blocked"] == ["request.length"]

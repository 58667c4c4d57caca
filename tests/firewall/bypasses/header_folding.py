"""Header folding, and other corners of the wire that servers read in their own way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import h11
from starlette.requests import HTTPConnection
from starlette.testclient import TestClient

from tests.firewall.bypasses.model import Answer, Bypass, Source
from tests.firewall.bypasses.sinks import by_name, read_below, shell


def over_the_wire(app: Any, raw: bytes) -> Answer:
    """What `app` answers to these very bytes, read by h11 as uvicorn reads them."""
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(raw)
    events: list[Any] = []
    while not events or not isinstance(events[-1], h11.EndOfMessage):
        events.append(connection.next_event())
    asked = events[0]
    path, _, query = asked.target.partition(b"?")
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": asked.http_version.decode(),
        "method": asked.method.decode(), "scheme": "http", "path": unquote(path.decode("ascii")),
        "raw_path": path, "query_string": query, "root_path": "", "headers": list(asked.headers),
        "client": ("192.0.2.1", 5), "server": ("localhost", 80), "state": {},
    }  # fmt: skip
    waiting = [bytes(event.data) for event in events if isinstance(event, h11.Data)] or [b""]
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": waiting.pop(0), "more_body": bool(waiting)}

    async def send(message: Any) -> None:
        sent.append(message)

    async def run() -> None:
        await app(scope, receive, send)

    asyncio.run(run())
    headers = dict(sent[0]["headers"])
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return Answer(sent[0]["status"], headers[b"content-type"].decode(), body.decode())


def wire(name: str, raw: str, read: Callable[[HTTPConnection, bytes], Any]) -> Source:
    """`raw` with the first value for `@`, lines ended as the standard says."""

    def send(client: TestClient, values: tuple[Any, ...]) -> Answer:
        text = raw.replace("@", values[0]).replace("\n", "\r\n")
        return over_the_wire(client.app, text.encode("latin-1"))

    return Source(name, send, lambda request, content: [read(request, content)])


def field(request: HTTPConnection, _: bytes) -> str:
    return request.headers["x-v"]


HEAD = "GET /x HTTP/1.1\nHost: localhost\n"
POST = "POST /x HTTP/1.1\nHost: localhost\nTransfer-Encoding: chunked\n\n"
FOLDED = wire("folded header", HEAD + "X-V:\n @\n\n", field)
TABBED = wire("header folded by a tab", HEAD + "X-V: a\n\t@\n\n", field)
MIDDLE = wire("header folded inside", HEAD + "X-V: @\n\n", field)
COOKIE = wire("folded cookie", HEAD + "Cookie: p=1;\n q=@\n\n", lambda r, _: r.cookies["q"])
PADDED = wire("padded header", HEAD + "X-V:  \t @ \t\n\n", field)
CAPITALS = wire("header in capitals", HEAD + "X-V: @\n\n".replace("X-V", "X-v"), field)
TWICE = wire(
    "header twice, last", HEAD + "X-V: a\nX-V: @\n\n", lambda r, _: r.headers.getlist("x-v")[-1]
)
LATIN = wire("header in Latin-1", HEAD + "X-V: \xe9@\n\n", field)
CHUNKS = wire("body in chunks", POST + "1\nb\n@\n0\n\n", lambda _, content: content.decode())
TRAILER = wire(
    "chunk with an extension",
    POST + '5;x="y"\n@\n0\nX-T: 1\n\n',
    lambda _, content: content.decode() + " touch pwned",
)
RAW = wire(
    "target without encoding",
    "GET /x/@ HTTP/1.1\nHost: localhost\n\n",
    lambda r, _: r.scope["path"][3:],
)
DOTS = wire(
    "target that climbs",
    "GET /@ HTTP/1.1\nHost: localhost\n\n",
    lambda r, _: r.scope["path"].removeprefix("/files/"),
)

BYPASSES = [
    Bypass(
        "folded line", "sh", FOLDED, lambda w, v: shell(w, f"echo {v}"), (";touch pwned",), ("b",)
    ),
    Bypass("folded line", "sqlite3", FOLDED, by_name, ("' OR role='admin",), ("bob",)),
    Bypass(
        "line folded by a tab",
        "sh",
        TABBED,
        lambda w, v: shell(w, f"echo '{v}'"),
        ("';touch pwned'",),
        ("b",),
    ),
    Bypass(
        "line folded inside the attack",
        "sqlite3",
        MIDDLE,
        by_name,
        ("' OR\n role='admin",),
        ("a\n b",),
    ),
    Bypass(
        "cookie behind a fold", "sqlite3", COOKIE, by_name, ("'/**/OR/**/role='admin",), ("bob",)
    ),
    Bypass("padding around a field", "sqlite3", PADDED, by_name, ("' OR role='admin",), ("bob",)),
    Bypass(
        "name of a field in mixed case",
        "open",
        CAPITALS,
        read_below,
        ("../secret.txt",),
        ("a.txt",),
    ),
    Bypass("second field wins", "open", TWICE, read_below, ("../secret.txt",), ("a.txt",)),
    Bypass("field with bytes of Latin-1", "sqlite3", LATIN, by_name, ("' OR role='admin",), ("a",)),
    Bypass(
        "attack across chunks", "sqlite3", CHUNKS, by_name, ("10\n' OR role='admin",), ("2\nob",)
    ),
    Bypass(
        "extension of a chunk",
        "sh",
        TRAILER,
        lambda w, v: shell(w, f"echo {v}"),
        ("a b ;",),
        ("abcde",),
    ),
    Bypass("target that nobody encoded", "sqlite3", RAW, by_name, ("'OR'1'='1",), ("o''hara",)),
    Bypass(
        "target that climbs", "open", DOTS, read_below, ("files/../secret.txt",), ("files/a.txt",)
    ),
]

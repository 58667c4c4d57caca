"""Compressed requests over ASGI and WSGI: bombs, ratios, and codings that nothing undoes."""

from __future__ import annotations

import gzip
import json
import random
import sys
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import brotli
import pytest
from backports import zstd
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from werkzeug.test import Client

from stockade.boundary import check_body
from stockade.core.bus import bus
from stockade.core.config import DefenceSettings, RequestSettings, Settings
from stockade.core.events import Event
from stockade.integrations import asgi, decoders, wsgi

MIB = 1 << 20
PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": partial(brotli.compress, quality=5),
    "zstd": zstd.compress,
}
UNPACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
    "br": brotli.decompress,
    "zstd": zstd.decompress,
}
CODINGS = list(PACK)
CHECK = partial(check_body, max_depth=64)
# Random digits compress to less than a half, and never two hundredfold.
TELLING = json.dumps([*map(random.Random(7).randrange, [10**9] * 200_000)]).encode()


def undone(body: bytes, codings: str) -> bytes:
    for name in reversed(codings.split(", ")):
        body = UNPACK[name](body)
    return body


async def over_asgi(request: Request) -> JSONResponse:
    """Undoes the codings without a bound, as applications do."""
    body = undone(await request.body(), request.headers["content-encoding"])
    return JSONResponse({"size": len(body), "is_json": bool(json.loads(body))})


def over_wsgi(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    body = undone(environ["wsgi.input"].read(), environ["HTTP_CONTENT_ENCODING"])
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({"size": len(body), "is_json": bool(json.loads(body))}).encode()]


def settings(mode: Any = "block", **request: Any) -> Settings:
    return Settings(defence=DefenceSettings(mode=mode), request=RequestSettings(**request))


def ask(
    interface: str, body: bytes, coding: str, given: Settings | None, kind: str = "application/json"
) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Status, document and headers of the answer; `given` is None for the application alone."""
    headers = {"content-type": kind, "content-encoding": coding}
    if interface == "asgi":
        app: Any = Starlette(routes=[Route("/", over_asgi, methods=["POST"])])
        got = TestClient(app if given is None else asgi.Outermost(app, given, CHECK)).post(
            "/", content=body, headers=headers
        )
        return got.status_code, got.json(), dict(got.headers)
    application: Any = over_wsgi if given is None else wsgi.Guard(over_wsgi, given, CHECK)
    answer = Client(application).post("/", data=body, headers=headers)
    fields = {name.lower(): value for name, value in answer.headers.items()}
    return answer.status_code, json.loads(answer.data), fields


both = pytest.mark.parametrize("interface", ["asgi", "wsgi"])
each = pytest.mark.parametrize("coding", CODINGS)


@pytest.fixture
def seen() -> Iterator[list[Event]]:
    bus.flush()
    events: list[Event] = []
    bus.subscribe(events.extend)
    yield events
    bus.unsubscribe(events.extend)


def refusals(events: list[Event]) -> list[tuple[str, str, str]]:
    bus.flush()
    return [(each.name, each.outcome, each.rule) for each in events if each.name != "http_request"]


@both
@each
def test_honest_bodies_pass_untouched(interface: str, coding: str, seen: list[Event]) -> None:
    for data in (b"[1]", b'{"q": "it\'s"}', b"[" + b"0," * 300_000 + b"0]", TELLING):
        status, document, _ = ask(interface, PACK[coding](data), coding, settings())
        assert (status, document) == (200, {"size": len(data), "is_json": True})
    assert refusals(seen) == []


@both
def test_honest_bodies_with_several_codings_pass(interface: str) -> None:
    body = PACK["zstd"](PACK["br"](PACK["gzip"](b"[1]")))
    status, document, _ = ask(interface, body, "gzip, br, zstd", settings())
    assert (status, document) == (200, {"size": 3, "is_json": True})


@both
@each
@pytest.mark.parametrize(
    ("size", "rule"), [(3 * MIB, "request.inflation"), (9 * MIB, "request.body")]
)
def test_a_bomb_goes_off_bare_and_is_refused(
    interface: str, coding: str, size: int, rule: str, seen: list[Event]
) -> None:
    document = b"[" + b" " * size + b"1]"
    bomb, given = PACK[coding](document), settings(max_inflation_ratio=200)
    if rule == "request.body":
        given = settings(max_inflation_ratio=0)
    assert ask(interface, bomb, coding, None)[:2] == (200, {"size": size + 3, "is_json": True})
    status, problem, headers = ask(interface, bomb, coding, given)
    assert (status, problem["status"]) == (413, 413)
    assert headers["content-type"] == "application/problem+json"
    assert refusals(seen) == [("request_refused", "blocked", rule)]


@both
@each
def test_a_ratio_below_the_limit_and_one_that_is_not_set_pass(interface: str, coding: str) -> None:
    packed = PACK[coding](TELLING)
    assert ask(interface, packed, coding, settings(max_inflation_ratio=20))[0] == 200
    assert ask(interface, packed, coding, settings(max_inflation_ratio=1))[0] == 413
    blanks = PACK[coding](b"[" + b" " * 3 * MIB + b"1]")
    assert ask(interface, blanks, coding, settings(max_inflation_ratio=0))[0] == 200


@both
def test_a_bomb_in_a_bomb_is_refused(interface: str, seen: list[Event]) -> None:
    bomb = PACK["br"](PACK["zstd"](b"[" + b" " * 50 * MIB + b"1]"))
    assert ask(interface, bomb, "zstd, br", settings())[0] == 413
    assert [rule for _, _, rule in refusals(seen)] == ["request.inflation"]


@both
def test_in_observe_mode_a_bomb_is_told_and_passes(interface: str, seen: list[Event]) -> None:
    bomb = PACK["br"](b"[" + b" " * 3 * MIB + b"1]")
    assert ask(interface, bomb, "br", settings("observe"))[0] == 200
    assert refusals(seen) == [("request_refused", "observed", "request.inflation")]


@both
@each
def test_what_parsers_dispute_is_refused_within_each_coding(interface: str, coding: str) -> None:
    assert ask(interface, PACK[coding](b'{"a": 1, "a": 2}'), coding, settings())[0] == 422


@both
@pytest.mark.parametrize("coding", ["compress", "gzip, foo", "BR, dcz"])
def test_an_unknown_coding_passes_unless_it_is_refused(
    interface: str, coding: str, seen: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(UNPACK, coding, lambda body: b"[1]")
    monkeypatch.setattr(sys.modules[__name__], "undone", lambda body, codings: b"[1]")
    kind = "application/octet-stream"
    assert ask(interface, b"\x1f\x9d\x90", coding, settings(), kind)[0] == 200
    assert refusals(seen) == []
    given = settings(unknown_codings="refuse")
    status, problem, headers = ask(interface, b"\x1f\x9d\x90", coding, given, kind)
    assert (status, problem["status"]) == (415, 415)
    assert headers["accept-encoding"] == "gzip, deflate, br, zstd"
    assert refusals(seen) == [("request_refused", "blocked", "request.coding")]
    given = settings("observe", unknown_codings="refuse")
    assert ask(interface, b"\x1f\x9d\x90", coding, given, kind)[0] == 200
    assert refusals(seen)[1:] == [("request_refused", "observed", "request.coding")]


@both
@each
def test_a_known_coding_is_never_refused_as_unknown(interface: str, coding: str) -> None:
    given = settings(unknown_codings="refuse")
    assert ask(interface, PACK[coding](b"[1]"), coding, given)[0] == 200


@both
@pytest.mark.parametrize(("coding", "module"), [("br", "brotli"), ("zstd", decoders._ZSTD)])
def test_without_its_library_a_coding_is_unknown(
    interface: str, coding: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = PACK[coding](b"[1]")
    decoders._library.cache_clear()
    monkeypatch.setitem(sys.modules, module, None)
    try:
        assert ask(interface, body, coding, settings())[0] == 400  # it is no JSON as it came
        assert ask(interface, body, coding, settings(), "application/x-rows")[0] == 200
        given = settings(unknown_codings="refuse")
        assert ask(interface, body, coding, given)[0] == 415
    finally:
        decoders._library.cache_clear()


def test_a_streaming_application_sees_no_piece_of_an_unknown_coding() -> None:
    pieces: list[bytes] = []

    async def app(request: Request) -> PlainTextResponse:
        async for piece in request.stream():
            pieces.append(piece)
        return PlainTextResponse("read")

    guard = asgi.Outermost(
        Starlette(routes=[Route("/", app, methods=["POST"])]),
        settings(unknown_codings="refuse"),
        CHECK,
    )
    client: Any = TestClient(guard)
    content = iter([b"a", b"b", b"c"])
    assert client.post("/", content=content, headers={"content-encoding": "foo"}).status_code == 415
    assert pieces == []

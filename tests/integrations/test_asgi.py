"""A guarded ASGI application: limits, refusals that stick, headers, one access event a request."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from functools import partial
from typing import Any

import pytest

from stockade.boundary import check_body
from stockade.core.bus import bus
from stockade.core.config import DefenceSettings, RequestSettings, Settings
from stockade.core.context import current
from stockade.core.errors import Blocked
from stockade.core.events import Event
from stockade.core.inputs import Source
from stockade.core.trace_context import TraceContext
from stockade.integrations.asgi import Guard

Message = MutableMapping[str, Any]
App = Callable[..., Awaitable[None]]


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Reads the body, answers with how long it was."""
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    body = json.dumps({"size": size}).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-app", b"1")]})
    await send({"type": "http.response.body", "body": body})


class Answer:
    def __init__(self, messages: list[Message]) -> None:
        start = messages[0]
        self.status: int = start["status"]
        self.headers = dict(start["headers"])
        self.body = b"".join(message.get("body", b"") for message in messages[1:])
        self.starts = sum(message["type"] == "http.response.start" for message in messages)


def ask(
    app: App,
    *chunks: bytes,
    settings: Settings | None = None,
    headers: list[tuple[bytes, bytes]] | None = None,
    **scope: Any,
) -> Answer:
    guarded = Guard(app, settings or Settings(), partial(check_body, max_depth=64))
    sent: list[Message] = []
    waiting = list(chunks)
    fields = [(b"host", b"localhost"), *(headers or [])]
    if chunks:
        fields.append((b"content-length", str(sum(map(len, chunks))).encode()))

    async def receive() -> Message:
        body = waiting.pop(0) if waiting else b""
        return {"type": "http.request", "body": body, "more_body": bool(waiting)}

    async def send(message: Message) -> None:
        sent.append(message)

    full = {
        "type": "http", "http_version": "1.1", "method": "GET", "path": "/", "raw_path": b"/",
        "query_string": b"", "client": ("192.0.2.1", 5), "scheme": "http", "headers": fields, **scope,
    }  # fmt: skip

    async def run() -> None:
        await guarded(full, receive, send)

    asyncio.run(run())
    return Answer(sent)


@pytest.fixture
def seen() -> Iterator[list[Event]]:
    bus.flush()
    events: list[Event] = []
    bus.subscribe(events.extend)
    yield events
    bus.unsubscribe(events.extend)


def names(events: list[Event]) -> list[str]:
    bus.flush()
    return sorted(event.name for event in events)


JSON = [(b"content-type", b"application/json")]
GZIP = [*JSON, (b"content-encoding", b"gzip")]
TWICE = b'{"a": 1, "a": 2}'
SMALL = Settings(request=RequestSettings(max_body=1_000))
TOO_LARGE = Settings(request=RequestSettings(max_body=10))


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        pytest.param(413, lambda: ask(echo, b"x" * 11, settings=TOO_LARGE), id="declared-length"),
        pytest.param(413, lambda: ask(echo, b"x" * 6, b"x" * 6, settings=TOO_LARGE, http_version="2"), id="two-chunks"),
        pytest.param(400, lambda: ask(echo, headers=[(b"content-length", b"1e3")]), id="length"),
        pytest.param(414, lambda: ask(echo, raw_path=b"/" + b"x" * 5000), id="path"),
        pytest.param(414, lambda: ask(echo, query_string=b"x" * 9000), id="query"),
        pytest.param(431, lambda: ask(echo, headers=[(b"x", b"y" * 17_000)]), id="header"),
        pytest.param(431, lambda: ask(echo, headers=[(b"x%d" % n, b"y") for n in range(101)]), id="headers"),
        pytest.param(431, lambda: ask(echo, headers=[(b"same", b"y" * 1000)] * 17), id="repeated"),
        pytest.param(400, lambda: ask(echo, headers=[(b"host", b"other")]), id="two-hosts"),
        pytest.param(405, lambda: ask(echo, method="TRACE"), id="method"),
        pytest.param(421, lambda: ask(echo, settings=Settings(request=RequestSettings(hosts=("example.org",)))), id="host"),
        pytest.param(400, lambda: ask(echo, b'{"a": ', headers=JSON), id="truncated"),
        pytest.param(400, lambda: ask(echo, b"[" * 200 + b"]" * 200, headers=JSON), id="deep"),
        pytest.param(400, lambda: ask(echo, b'{"a": "\xff"}', headers=JSON), id="encoding"),
        pytest.param(422, lambda: ask(echo, gzip.compress(TWICE), headers=GZIP), id="compressed"),
        pytest.param(422, lambda: ask(echo, TWICE, headers=GZIP), id="said-compressed"),
        pytest.param(400, lambda: ask(echo, gzip.compress(b"1"), headers=JSON), id="not-said"),
        pytest.param(413, lambda: ask(echo, gzip.compress(b" " * 2_000), headers=GZIP, settings=SMALL), id="inflated"),
    ],
)  # fmt: skip
def test_a_bad_request_gets_a_problem_and_an_event(
    status: int, answer: Callable[[], Answer], seen: list[Event]
) -> None:
    got = answer()
    assert (got.status, got.starts) == (status, 1)
    assert got.headers[b"content-type"] == b"application/problem+json"
    assert json.loads(got.body)["status"] == status
    refused, access = names(seen)[::-1][0], names(seen)[0]
    assert access == "http_request"
    assert refused in {"request_refused", "input_validation_fail"}


def test_honest_requests_pass_untouched(seen: list[Event]) -> None:
    got = ask(echo, b'{"a":', b" [1, 2]}", headers=JSON, method="POST", settings=Settings())
    assert (got.status, json.loads(got.body)) == (200, {"size": 13})
    assert got.headers[b"x-content-type-options"] == b"nosniff"
    assert got.headers[b"x-app"] == b"1"
    assert names(seen) == ["http_request"]


@pytest.mark.parametrize("coding", [b"gzip", b"deflate"])
def test_a_compressed_document_is_checked_as_it_is_read(coding: bytes, seen: list[Event]) -> None:
    body = (gzip if coding == b"gzip" else zlib).compress(b'{"a": "it\'s"}')
    got = ask(echo, body, headers=[*JSON, (b"content-encoding", coding)], method="POST")
    assert (got.status, json.loads(got.body)) == (200, {"size": len(body)})
    assert names(seen) == ["http_request"]


def test_the_applications_own_header_wins() -> None:
    async def framed(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"X-Frame-Options", b"SAMEORIGIN")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body"})

    got = ask(framed)
    assert got.headers[b"X-Frame-Options"] == b"SAMEORIGIN"
    assert b"x-frame-options" not in got.headers
    assert b"strict-transport-security" not in got.headers
    assert b"strict-transport-security" in ask(echo, scheme="https").headers


@pytest.mark.asvs("V3.4.1", "V3.4.4", "V3.4.5")
def test_every_answer_has_the_security_headers() -> None:
    bare = Settings(defence=DefenceSettings(mode="observe"))
    expected = {
        b"x-content-type-options": b"nosniff",
        b"x-frame-options": b"DENY",
        b"referrer-policy": b"strict-origin-when-cross-origin",
        b"strict-transport-security": b"max-age=63072000; includeSubDomains",
    }
    for answer in (
        ask(echo, scheme="https"),
        ask(block(swallow=False), scheme="https"),
        ask(echo, scheme="https", method="TRACE"),
    ):
        assert answer.headers.items() >= expected.items()
    assert not expected.keys() & ask(echo, scheme="https", settings=bare).headers.keys()
    over_http = ask(echo).headers  # where nobody may say it (RFC 6797, 7.2)
    assert expected.keys() - over_http.keys() == {b"strict-transport-security"}


@pytest.mark.asvs("V4.1.4")
@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT", "PROPFIND", "DEBUG", "get"])
def test_methods_that_nobody_serves_are_blocked(method: str) -> None:
    served: list[str] = []

    async def every_method(scope: Any, receive: Any, send: Any) -> None:
        served.append(scope["method"])
        await echo(scope, receive, send)

    observing = Settings(defence=DefenceSettings(mode="observe"))
    assert ask(every_method, method=method, settings=observing).status == 200
    assert served == [method]
    answer = ask(every_method, method=method)
    assert (answer.status, served) == (405, [method])
    assert answer.headers[b"allow"] == b"DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
    assert ask(every_method, method="PATCH").status == 200


@pytest.mark.asvs("V4.2.1")
def test_a_request_says_once_where_it_ends(seen: list[Event]) -> None:
    """Who is in front may have read the other length, and sees one request where we see two."""
    observing = Settings(defence=DefenceSettings(mode="observe"))
    both = [(b"transfer-encoding", b"chunked")]
    assert ask(echo, b"0", headers=both, settings=observing).status == 200
    assert ask(echo, b"0", headers=both).status == 400
    assert ask(echo, b"0", headers=[(b"content-length", b"5")]).status == 400
    assert ask(echo, b"0").status == 200
    assert ask(echo, headers=both).status == 200
    bus.flush()
    rules = [event.rule for event in seen if event.outcome == "blocked" and event.rule]
    assert rules == ["request.framing", "request.twice"]


@pytest.mark.asvs("V5.2.1")
def test_a_file_that_is_too_large_is_not_taken_in() -> None:
    taken = [0]

    async def keeps(scope: Any, receive: Any, send: Any) -> None:
        more = True
        while more:
            message = await receive()
            taken[0] += len(message.get("body", b""))
            more = message.get("more_body", False)
        await echo(scope, receive, send)

    chunks = [b"x" * 1_000] * 100
    bare = Settings(
        defence=DefenceSettings(mode="observe"), request=RequestSettings(max_body=10_000)
    )
    assert ask(keeps, *chunks, settings=bare).status == 200
    assert taken == [100_000]
    bounded = Settings(request=RequestSettings(max_body=10_000))
    assert ask(keeps, *chunks, settings=bounded).status == 413
    assert taken == [100_000]
    assert ask(keeps, *chunks, settings=bounded, http_version="2").status == 413
    assert ask(keeps, *chunks[:10], settings=bounded).status == 200


def block(swallow: bool) -> App:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        context = current()
        assert context is not None
        error = Blocked("refused", rule="test")
        context.refuse(error)
        if not swallow:
            raise error
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"all is well"})

    return app


@pytest.mark.parametrize("swallow", [True, False])
def test_a_refusal_sticks(swallow: bool) -> None:
    got = ask(block(swallow))
    assert (got.status, got.starts) == (403, 1)
    assert b"all is well" not in got.body


def test_a_refusal_during_the_answer_cuts_it_short() -> None:
    async def late(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        context = current()
        assert context is not None
        context.refuse(Blocked("refused", rule="test"))
        await send({"type": "http.response.body", "body": b"secret"})

    with pytest.raises(Exception, match="while its answer was being sent"):
        ask(late)


def test_observe_reports_and_changes_nothing(seen: list[Event]) -> None:
    settings = Settings(
        defence=DefenceSettings(mode="observe"), request=RequestSettings(max_body=10)
    )
    got = ask(echo, b"x" * 20, settings=settings)
    assert (got.status, json.loads(got.body)) == (200, {"size": 20})
    assert b"x-frame-options" not in got.headers
    assert "request_refused" in names(seen)
    assert {event.outcome for event in seen if event.name == "request_refused"} == {"observed"}


def test_a_crash_is_one_failed_access_event(seen: list[Event]) -> None:
    async def crash(scope: Any, receive: Any, send: Any) -> None:
        raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        ask(crash)
    bus.flush()
    assert [(event.name, event.outcome, event.details["status"]) for event in seen] == [
        ("http_request", "failed", 500)
    ]


def test_the_rate_limit_counts_each_client_by_itself(seen: list[Event]) -> None:
    settings = Settings(request=RequestSettings(rate=0.001, burst=2))
    guarded = Guard(echo, settings, partial(check_body, max_depth=64))
    assert guarded._allow is not None
    second = 1_000_000_000
    assert [guarded._allow("a", 0) for _ in range(3)] == [True, True, False]
    assert guarded._allow("b", 0)
    assert [guarded._allow("a", now * second) for now in (999, 1001)] == [False, True]


def test_inputs_of_every_source(seen: list[Event]) -> None:
    found: set[tuple[str, str]] = set()

    async def look(scope: Any, receive: Any, send: Any) -> None:
        scope["path_params"] = {"name": "it's"}
        await receive()
        context = current()
        assert context is not None
        found.update((item.source, item.value) for item in context.inputs)
        await echo(scope, receive, send)

    multipart = (
        b'--B\r\nContent-Disposition: form-data; name="field"\r\n\r\nform \'value\r\n--B--\r\n'
    )
    kind = [
        (b"content-type", b"multipart/form-data; boundary=B"),
        (b"cookie", b"c=coo'kie"),
        (b"x-h", b"hea'der"),
    ]
    ask(
        look,
        multipart,
        headers=kind,
        query_string=b"q=que%27ry",
        path="/a/b'c",
        raw_path=b"/a/b%27c",
    )
    ask(look, b'{"ke\'y": "val\'ue"}', headers=JSON)
    ask(look, b"f=fo%27rm", headers=[(b"content-type", b"application/x-www-form-urlencoded")])
    ask(look, '{"hid\'den": 1}'.encode("utf-16"), headers=[(b"content-type", b"text/plain")])
    assert found >= {
        (Source.PATH, "it's"), (Source.PATH, "b'c"), (Source.QUERY, "que'ry"), (Source.COOKIE, "coo'kie"),
        (Source.HEADER, "hea'der"), (Source.FORM, "form 'value"), (Source.FORM, "fo'rm"),
        (Source.JSON_KEY, "ke'y"), (Source.JSON_VALUE, "val'ue"), (Source.JSON_KEY, "hid'den"),
    }  # fmt: skip


def test_a_body_has_one_type(seen: list[Event]) -> None:
    """Starlette reads the first Content-Type, others the last: whoever sends two hides a body."""
    form = (b"content-type", b"application/x-www-form-urlencoded")
    other = (b"content-type", b"multipart/form-data; boundary=B")
    assert ask(echo, b"q=1", headers=[form, other]).status == 400
    found: list[str] = []

    async def look(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        context = current()
        assert context is not None
        found.extend(item.value for item in context.inputs)
        await echo(scope, receive, send)

    observing = Settings(defence=DefenceSettings(mode="observe"))
    assert ask(look, b"q=it%27s", headers=[form, other], settings=observing).status == 200
    assert "it's" in found


def test_parameters_that_routing_finds_later_are_inputs() -> None:
    found: list[bool] = []

    async def routed(scope: Any, receive: Any, send: Any) -> None:
        context = current()
        assert context is not None
        for _ in range(2):
            assert context.prepared is None  # as the guard of a sink asks first
            found.append("ro'uted" in {item.value for item in context.inputs})
            scope["path_params"] = {"name": "ro'uted"}
        await echo(scope, receive, send)

    ask(routed, path="/it's.txt", raw_path=b"/it's.txt")
    assert found == [False, True]


def test_every_message_of_a_websocket_is_input() -> None:
    found: set[str] = set()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for _ in range(2):
            await receive()
        context = current()
        assert context is not None
        found.update(item.value for item in context.inputs)

    waiting: list[Message] = [
        {"type": "websocket.receive", "text": '{"q": "it\'s first"}'},
        {"type": "websocket.receive", "bytes": b"it's second"},
    ]

    async def receive() -> Message:
        return waiting.pop(0)

    async def send(message: Message) -> None:
        raise AssertionError

    async def run() -> None:
        scope: Message = {"type": "websocket", "path": "/", "headers": [], "client": None}
        await Guard(app, Settings(), partial(check_body, max_depth=64))(scope, receive, send)

    asyncio.run(run())
    assert {"it's first", "it's second"} <= found


def test_a_body_that_is_too_large_is_told_once_where_it_is_only_observed(seen: list[Event]) -> None:
    settings = Settings(
        defence=DefenceSettings(mode="observe"), request=RequestSettings(max_body=10)
    )
    got = ask(echo, b"x" * 6, b"x" * 6, b"x" * 6, settings=settings, http_version="2")
    assert json.loads(got.body) == {"size": 18}
    told = [name for name in names(seen) if name == "request_refused"]
    assert len(told) == 2  # by the declared length, and by what came


def test_a_trace_is_linked_where_it_is_valid_and_said_once() -> None:
    seen: list[Any] = []

    async def note(scope: Any, receive: Any, send: Any) -> None:
        request = current()
        assert request is not None
        seen.append((request.trace_id, request.parent_id, request.trace))
        await echo(scope, receive, send)

    parent = f"00-{'a' * 32}-{'b' * 16}-01".encode()
    states = [(b"tracestate", b"foo=1"), (b"tracestate", b"bar=2")]
    ask(note, headers=[(b"traceparent", parent), *states])
    ask(note, headers=[(b"traceparent", parent), (b"traceparent", parent)])
    ask(note, headers=[(b"traceparent", parent.upper())])
    assert seen[0] == ("a" * 32, "b" * 16, TraceContext("a" * 32, "b" * 16, 1, "foo=1,bar=2"))
    assert seen[1:] == [("", "", None)] * 2

"""A guarded WSGI application: by the book, refusals that stick, no context left on the thread."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any
from wsgiref.util import FileWrapper
from wsgiref.validate import validator

import pytest
from werkzeug.test import Client, EnvironBuilder, TestResponse

from stockade.boundary import check_body
from stockade.core.bus import bus
from stockade.core.config import DefenceSettings, RequestSettings, Settings
from stockade.core.context import current
from stockade.core.errors import Blocked, StockadeError
from stockade.core.events import Event
from stockade.core.inputs import Source
from stockade.integrations.wsgi import Guard

Environ = dict[str, Any]
WsgiApp = Callable[[Environ, Any], Iterable[bytes]]
PLAIN = [("Content-Type", "text/plain")]


def guarded(app: WsgiApp, settings: Settings | None = None) -> Guard:
    return Guard(app, settings or Settings(), partial(check_body, max_depth=64))


def ask(app: Any, settings: Settings | None = None, **request: Any) -> TestResponse:
    """The answer of `app`, guarded; both sides of the guard watched for breaches of PEP 3333."""
    watched: Any = validator(guarded(validator(app), settings))
    try:
        return Client(watched).open(**{"path": "/", "buffered": True, **request})
    finally:
        assert current() is None


def echo(environ: Environ, start_response: Any) -> list[bytes]:
    size = 0
    while data := environ["wsgi.input"].read(4):
        size += len(data)
    start_response("200 OK", [*PLAIN, ("X-App", "1")])
    return [json.dumps({"size": size}).encode()]


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


TOO_LARGE = Settings(request=RequestSettings(max_body=10))
JSON: dict[str, Any] = {"content_type": "application/json", "method": "POST"}


@pytest.mark.parametrize(
    ("status", "request_", "settings"),
    [
        pytest.param(413, {"data": b"x" * 11}, TOO_LARGE, id="declared-length"),
        pytest.param(414, {"path": "/" + "x" * 5000}, None, id="path"),
        pytest.param(414, {"query_string": "x" * 9000}, None, id="query"),
        pytest.param(431, {"headers": {"X": "y" * 17_000}}, None, id="header"),
        pytest.param(431, {"headers": {f"X{n}": "y" for n in range(101)}}, None, id="headers"),
        pytest.param(400, {"headers": {"Host": "one,two"}}, None, id="two-hosts"),
        pytest.param(405, {"method": "TRACE"}, None, id="method"),
        pytest.param(421, {}, Settings(request=RequestSettings(hosts=("example.org",))), id="host"),
        pytest.param(429, {}, Settings(request=RequestSettings(rate=1e-9, burst=0)), id="rate"),
        pytest.param(400, {"data": b'{"a": ', **JSON}, None, id="truncated"),
        pytest.param(400, {"data": b"[" * 200 + b"]" * 200, **JSON}, None, id="deep"),
        pytest.param(422, {"data": b'{"a": 1, "a": 2}', **JSON}, None, id="duplicate"),
    ],
)  # fmt: skip
def test_a_bad_request_gets_a_problem_and_an_event(
    status: int, request_: dict[str, Any], settings: Settings | None, seen: list[Event]
) -> None:
    if status == 429:
        app = guarded(echo, settings)
        answers = [Client(app).get("/").status_code for _ in range(2)]
        assert answers[-1] == 429
        return
    got = ask(echo, settings, **request_)
    assert got.status_code == status
    assert got.content_type == "application/problem+json"
    assert json.loads(got.data)["status"] == status
    assert names(seen)[0] == "http_request"
    assert names(seen)[1] in {"input_validation_fail", "request_refused"}


def test_a_length_that_is_no_number_is_refused() -> None:
    environ = EnvironBuilder("/").get_environ() | {"CONTENT_LENGTH": "1e3"}
    started: list[str] = []
    list(guarded(echo)(environ, lambda status, headers: started.append(status)))
    assert started == ["400 Bad Request"]


def test_a_body_without_a_length_is_counted_as_it_comes(seen: list[Event]) -> None:
    builder = EnvironBuilder("/", method="POST", input_stream=io.BytesIO(b"x" * 20))
    environ = builder.get_environ() | {"HTTP_TRANSFER_ENCODING": "chunked"}
    assert Client(guarded(echo, TOO_LARGE)).open(environ).status_code == 413
    assert "request_refused" in names(seen)


@pytest.mark.parametrize("way", ["read", "readline", "readlines", "iterate", "buffered"])
def test_honest_bodies_pass_however_they_are_read(way: str, seen: list[Event]) -> None:
    def app(environ: Environ, start_response: Any) -> list[bytes]:
        stream = environ["wsgi.input"]
        read: dict[str, Callable[[], bytes]] = {
            "read": lambda: b"".join(iter(partial(stream.read, 3), b"")),
            "readline": lambda: b"".join(iter(stream.readline, b"")),
            "readlines": lambda: b"".join(stream.readlines()),
            "iterate": lambda: b"".join(stream),
            "buffered": lambda: io.BufferedReader(stream).read(),
        }
        body = read[way]()
        context = current()
        assert context is not None
        assert "it's\n" in {item.value for item in context.inputs}
        start_response("200 OK", PLAIN)
        return [body]

    body = b'{"a":\n "it\'s\\n"}'
    got = Client(guarded(app)).post("/", data=body, content_type="application/json")
    assert (got.status_code, got.data) == (200, body)
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert names(seen) == ["http_request"]


def test_the_applications_own_header_wins() -> None:
    def framed(environ: Environ, start_response: Any) -> list[bytes]:
        start_response("200 OK", [*PLAIN, ("X-Frame-Options", "SAMEORIGIN")])
        return [b""]

    got = ask(framed)
    assert got.headers.get_all("X-Frame-Options") == ["SAMEORIGIN"]
    assert "Strict-Transport-Security" not in got.headers
    assert "Strict-Transport-Security" in ask(echo, base_url="https://localhost").headers


def refuse() -> Blocked:
    context = current()
    assert context is not None
    error = Blocked("refused", rule="test")
    context.refuse(error)
    return error


def raising(environ: Environ, start_response: Any) -> list[bytes]:
    raise refuse()


def swallowing(environ: Environ, start_response: Any) -> list[bytes]:
    refuse()
    start_response("200 OK", PLAIN)
    return [b"all is well"]


def generating(environ: Environ, start_response: Any) -> Iterator[bytes]:
    start_response("200 OK", PLAIN)
    refuse()
    yield b"all is well"


def reanswering(environ: Environ, start_response: Any) -> list[bytes]:
    start_response("200 OK", PLAIN)
    try:
        raise refuse()
    except Blocked:
        import sys

        start_response("500 Oops", PLAIN, sys.exc_info())
    return [b"all is well"]


@pytest.mark.parametrize("app", [raising, swallowing, generating, reanswering])
def test_a_refusal_sticks(app: WsgiApp) -> None:
    got = ask(app)
    assert got.status_code == 403
    assert b"all is well" not in got.data
    assert ask(app, method="HEAD").data == b""


def test_a_refusal_during_the_answer_cuts_it_short() -> None:
    def late(environ: Environ, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", PLAIN)
        yield b"first"
        refuse()
        yield b"secret"

    environ = EnvironBuilder("/").get_environ()
    answer = iter(guarded(late)(environ, lambda *_: None))
    assert next(answer) == b"first"
    with pytest.raises(StockadeError, match="while its answer was being sent"):
        next(answer)
    with pytest.raises(Exception):  # noqa: B017, PT011  and nothing comes after it
        next(answer)


def test_the_context_is_there_while_the_answer_is_made_and_never_after(seen: list[Event]) -> None:
    found: list[str] = []

    def look(where: str) -> None:
        context = current()
        found.append(f"{where} {context is not None}")

    class Pieces:
        def __iter__(self) -> Iterator[bytes]:
            for piece in (b"", b"one", b"two"):
                look("piece")
                yield piece

        def close(self) -> None:
            look("close")

    def app(environ: Environ, start_response: Any) -> Pieces:
        start_response("200 OK", PLAIN)
        return Pieces()

    environ = EnvironBuilder("/").get_environ()
    answer: Any = guarded(app)(environ, lambda *_: None)
    assert current() is None
    pieces = []
    for piece in answer:
        assert current() is None
        pieces.append(piece)
    assert names(seen) == ["http_request"]  # at the last piece, whether or not it is closed
    answer.close()
    assert current() is None
    assert pieces == [b"", b"one", b"two"]
    assert found == ["piece True"] * 3 + ["close True"]
    [access] = seen if names(seen) else []
    assert access.details["bytes"] == 6


def test_a_stream_leaves_piece_by_piece_and_a_file_as_the_servers_own() -> None:
    made: list[int] = []

    def counting(environ: Environ, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", PLAIN)
        for number in range(3):
            made.append(number)
            yield b"%d" % number

    answer = iter(guarded(counting)(EnvironBuilder("/").get_environ(), lambda *_: None))
    next(answer)
    assert made == [0]

    def file(environ: Environ, start_response: Any) -> Any:
        start_response("200 OK", PLAIN)
        return environ["wsgi.file_wrapper"](io.BytesIO(b"content"))

    environ = EnvironBuilder("/").get_environ() | {"wsgi.file_wrapper": FileWrapper}
    assert isinstance(guarded(file)(environ, lambda *_: None), FileWrapper)


def test_the_older_write_is_guarded_as_well() -> None:
    def app(environ: Environ, start_response: Any) -> list[bytes]:
        write = start_response("200 OK", PLAIN)
        write(b"first ")
        return [b"second"]

    sent: list[bytes] = []
    rest = guarded(app)(EnvironBuilder("/").get_environ(), lambda *_: sent.append)
    assert sent + list(rest) == [b"first ", b"second"]

    def refused(environ: Environ, start_response: Any) -> list[bytes]:
        write = start_response("200 OK", PLAIN)
        refuse()
        write(b"secret")
        return []

    got = ask(refused)
    assert (got.status_code, b"secret" in got.data) == (403, False)


def test_observe_reports_and_changes_nothing(seen: list[Event]) -> None:
    observing = Settings(
        defence=DefenceSettings(mode="observe"), request=RequestSettings(max_body=10)
    )
    got = ask(echo, observing, data=b"x" * 20, method="POST")
    assert json.loads(got.data) == {"size": 20}
    assert "X-Frame-Options" not in got.headers
    assert "request_refused" in names(seen)
    assert {event.outcome for event in seen if event.name == "request_refused"} == {"observed"}


def test_a_crash_is_one_failed_access_event(seen: list[Event]) -> None:
    def crash(environ: Environ, start_response: Any) -> list[bytes]:
        raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        ask(crash)
    bus.flush()
    assert [(event.name, event.outcome, event.details["status"]) for event in seen] == [
        ("http_request", "failed", 500)
    ]


def test_a_guard_inside_a_guard_only_passes_on(seen: list[Event]) -> None:
    assert ask(guarded(echo)).status_code == 200
    assert names(seen) == ["http_request"]


def test_the_client_behind_a_trusted_proxy_and_its_trace(seen: list[Event]) -> None:
    settings = Settings(request=RequestSettings(trusted_proxies=("127.0.0.0/8",)))
    headers = {
        "X-Forwarded-For": "198.51.100.7",
        "Traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    }
    peer = {"environ_overrides": {"REMOTE_ADDR": "127.0.0.1"}}
    ask(echo, settings, headers=headers, **peer)
    assert names(seen) == ["http_request"]
    assert seen[0].client == "198.51.100.7"
    assert seen[0].trace_id == "4bf92f3577b34da6a3ce929d0e0e4736"


def test_inputs_of_every_source() -> None:
    found: set[tuple[str, str]] = set()

    def look(environ: Environ, start_response: Any) -> list[bytes]:
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgiorg.routing_args"] = ("posi'tion",), {"name": "na'med"}
        context = current()
        assert context is not None
        found.update((item.source, item.value) for item in context.inputs)
        return echo(environ, start_response)

    upload: dict[str, Any] = {
        "data": {"field": "form 'value", "file": (io.BytesIO(b"content's"), "file'name")},
        "method": "POST",
    }
    sent = {"HTTP_COOKIE": "c=coo'kie", "HTTP_X_H": "hea'der"}
    query = "q=que%27ry&q=twi%27ce"
    builder = EnvironBuilder("/a/b'ü", query_string=query, environ_overrides=sent, **upload)
    list(guarded(look)(builder.get_environ(), lambda *_: None))
    ask(look, data=b'{"ke\'y": "val\'ue"}', **JSON)
    assert found >= {
        (Source.PATH, "b'ü"), (Source.PATH, "posi'tion"), (Source.PATH, "na'med"),
        (Source.QUERY, "que'ry"), (Source.QUERY, "twi'ce"), (Source.COOKIE, "coo'kie"),
        (Source.HEADER, "hea'der"), (Source.FORM, "form 'value"), (Source.FORM, "file'name"),
        (Source.FORM, "content's"), (Source.JSON_KEY, "ke'y"), (Source.JSON_VALUE, "val'ue"),
    }  # fmt: skip


def test_an_answer_that_a_server_never_closes_is_an_access_event_too(seen: list[Event]) -> None:
    def stream(environ: Environ, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", PLAIN)
        yield b"one"
        yield b"two"

    start: Any = lambda status, headers, exc_info=None: None  # noqa: E731 - PEP 3333's
    answer: Any = guarded(stream)(EnvironBuilder("/").get_environ(), start)
    assert names(seen) == []
    assert b"".join(answer) == b"onetwo"
    assert names(seen) == ["http_request"]
    answer.close()
    assert names(seen) == ["http_request"]

"""A request of an application that has OpenTelemetry itself is linked to the application's span.

Whichever of the two was put around the application first, the access event names that span, so
that no second server span is made of it; without an exporter at work nobody asks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from fastapi import FastAPI
from flask import Flask, g
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import format_span_id, format_trace_id, get_current_span
from starlette.testclient import TestClient
from werkzeug.test import Client

from stockade.boundary import check_body, rejection
from stockade.core import spans
from stockade.core.bus import bus
from stockade.core.config import Settings
from stockade.core.events import Event
from stockade.integrations import fastapi, flask
from stockade.watch.otel.exporter import _active

CHECK = partial(check_body, max_depth=64)
tracer = TracerProvider().get_tracer("the application's")


@pytest.fixture
def access() -> Iterator[Callable[[], Event]]:
    seen: list[Event] = []
    bus.flush()
    bus.subscribe(seen.extend)

    def last() -> Event:
        bus.flush()
        return [event for event in seen if event.name == "http_request"][-1]

    yield last
    bus.unsubscribe(seen.extend)


@pytest.fixture
def exporting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spans, "active", _active)


class Traced:
    """What OpenTelemetry's ASGI instrumentation does: a span around the application."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        with tracer.start_as_current_span("server"):
            await self.app(scope, receive, send)


def names() -> dict[str, str]:
    context = get_current_span().get_span_context()
    return {"trace": format_trace_id(context.trace_id), "span": format_span_id(context.span_id)}


def asgi(*, outside: bool) -> dict[str, str]:
    app = FastAPI()
    app.get("/")(names)
    if not outside:
        app.add_middleware(Traced)
    fastapi.protect(app, Settings(), CHECK, rejection)
    found: dict[str, str] = TestClient(Traced(app) if outside else app).get("/").json()
    return found


def wsgi(*, outside: bool) -> dict[str, str]:
    app = Flask(__name__)
    app.get("/")(names)
    if not outside:

        @app.before_request
        def begin() -> None:
            g.span = tracer.start_as_current_span("server")
            g.span.__enter__()

        @app.teardown_request
        def end(error: BaseException | None) -> None:
            g.span.__exit__(None, None, None)

    flask.protect(app, Settings(), CHECK)

    def traced(environ: Any, start_response: Any) -> Any:
        with tracer.start_as_current_span("server"):
            answer = app(environ, start_response)
            try:
                return list(answer)
            finally:
                answer.close()  # type: ignore[attr-defined]

    with Client(traced if outside else app).get("/") as response:
        found: dict[str, str] = json.loads(response.get_data())
    return found


@pytest.mark.parametrize("outside", [True, False])
@pytest.mark.parametrize("service", [asgi, wsgi])
@pytest.mark.usefixtures("exporting")
def test_the_access_event_names_the_applications_span(
    service: Callable[..., dict[str, str]], outside: bool, access: Callable[[], Event]
) -> None:
    own = service(outside=outside)
    event = access()
    assert (event.trace_id, event.details["span_id"]) == (own["trace"], own["span"])


@pytest.mark.parametrize("service", [asgi, wsgi])
def test_without_an_exporter_nobody_asks(
    service: Callable[..., dict[str, str]], access: Callable[[], Event]
) -> None:
    service(outside=True)
    event = access()
    assert event.trace_id == ""
    assert "span_id" not in event.details


@pytest.mark.usefixtures("exporting")
def test_an_application_without_spans_keeps_the_callers_trace(
    access: Callable[[], Event],
) -> None:
    app = FastAPI()
    app.get("/")(lambda: "")
    fastapi.protect(app, Settings(), CHECK, rejection)
    trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    TestClient(app).get("/", headers={"traceparent": f"00-{trace}-{parent}-01"})
    event = access()
    assert (event.trace_id, event.details["parent_id"]) == (trace, parent)
    assert "span_id" not in event.details

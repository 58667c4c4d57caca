"""`/livez` and `/readyz` on the service: plain words for everybody, details for this machine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from fastapi import FastAPI
from flask import Flask
from starlette.testclient import TestClient
from werkzeug.test import Client

from stockade.boundary import check_body, rejection
from stockade.core.bus import bus
from stockade.core.config import RequestSettings, Settings, WatchSettings
from stockade.core.events import Event
from stockade.core.health import OK, State, Verdict, health
from stockade.integrations import asgi as asgi_guard
from stockade.integrations import fastapi, flask
from stockade.integrations.health import AsgiHealth, WsgiHealth, asgi, wsgi

CHECK = partial(check_body, max_depth=64)
WATCHED = WatchSettings(health="/-/health")
# Stricter than any probe is: neither the host nor the rate of probes is limited.
SETTINGS = Settings(
    watch=WATCHED, request=RequestSettings(hosts=("shop.example",), rate=0.001, burst=1)
)

Ask = Callable[..., tuple[int, dict[str, Any]]]


def fastapi_service() -> Ask:
    app = FastAPI()

    @app.get("/-/health/other")
    def other() -> str:
        return "the application's"

    fastapi.protect(app, SETTINGS, CHECK, rejection)

    def ask(path: str, *, peer: str = "127.0.0.1", method: str = "GET", **fields: str) -> Any:
        client = TestClient(
            app, client=(peer, 1), base_url=f"http://{fields.pop('host', 'localhost')}"
        )
        response = client.request(method, path, headers=fields)
        return response.status_code, json.loads(response.text or "{}")

    return ask


def flask_service() -> Ask:
    app = Flask(__name__)

    @app.get("/-/health/other")
    def other() -> str:
        return '"the application\'s"'

    flask.protect(app, SETTINGS, CHECK)

    def ask(path: str, *, peer: str = "127.0.0.1", method: str = "GET", **fields: str) -> Any:
        response = Client(app).open(
            path,
            method=method,
            base_url=f"http://{fields.pop('host', 'localhost')}",
            headers=fields,
            environ_overrides={"REMOTE_ADDR": peer},
        )
        return response.status_code, json.loads(response.text or "{}")

    return ask


@pytest.fixture(params=[fastapi_service, flask_service])
def ask(request: pytest.FixtureRequest) -> Ask:
    service: Ask = request.param()
    return service


@pytest.fixture
def store() -> Iterator[Callable[[Verdict], None]]:
    """`store(verdict)` makes that the state of a required defence."""

    def become(verdict: Verdict) -> None:
        health.watch("store", lambda: verdict, required=True)
        health.check()

    become(OK)
    yield become
    health.forget()


OTHER: Any = "the application's"
DOWN = Verdict(State.FAILED, "The store does not answer.")


def test_a_process_is_ready_until_a_required_defence_fails(
    ask: Ask, store: Callable[[Verdict], None]
) -> None:
    assert ask("/-/health/readyz", peer="192.0.2.1") == (200, {"status": "ok"})
    store(DOWN)
    assert ask("/-/health/readyz", peer="192.0.2.1") == (503, {"status": "unavailable"})
    assert ask("/-/health/livez", peer="192.0.2.1") == (200, {"status": "ok"})
    store(OK)
    assert ask("/-/health/readyz")[0] == 200


def test_which_defence_is_down_only_this_machine_learns(
    ask: Ask, store: Callable[[Verdict], None]
) -> None:
    store(DOWN)
    _, near = ask("/-/health/readyz")
    assert near["defences"]["store"]["state"] == "failed"
    assert near["defences"]["store"]["reason"] == "The store does not answer."
    plain = (503, {"status": "unavailable"})
    assert ask("/-/health/readyz", peer="192.0.2.1") == plain
    assert ask("/-/health/readyz", **{"X-Forwarded-For": "127.0.0.1"}) == plain
    assert ask("/-/health/readyz", Forwarded="for=127.0.0.1") == plain
    assert ask("/-/health/readyz", host="shop.example") == plain
    assert ask("/-/health/readyz", host="127.0.0.1.evil.example") == plain


def test_probes_are_not_counted_limited_or_logged(
    ask: Ask, store: Callable[[Verdict], None]
) -> None:
    seen: list[Event] = []
    bus.flush()
    bus.subscribe(seen.extend)
    try:
        for _ in range(20):
            assert ask("/-/health/livez")[0] == 200
        assert ask("/-/health/livez", method="HEAD") == (200, {})
        bus.flush()
    finally:
        bus.unsubscribe(seen.extend)
    assert seen == []


def test_every_other_path_and_method_is_the_applications(
    ask: Ask, store: Callable[[Verdict], None]
) -> None:
    host = "shop.example"
    assert ask("/-/health/other", host=host) == (200, OTHER)
    assert ask("/-/health/livez", host=host, method="POST", peer="192.0.2.9")[0] in (404, 405, 429)


def test_where_no_path_is_set_nothing_stands_in_front() -> None:
    guard = asgi_guard.Guard(FastAPI(), Settings(), CHECK)
    assert asgi(guard, Settings()) is guard
    assert asgi(guard, Settings(watch=WatchSettings(health="127.0.0.1:1"))) is guard
    assert isinstance(asgi(guard, SETTINGS), AsgiHealth)
    handler = WSGIHandler.__call__
    assert isinstance(wsgi(handler, SETTINGS), WsgiHealth)


def test_a_websocket_passes_by() -> None:
    passed: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        passed.append(scope["type"])

    async def nothing(*_: Any) -> Any:
        raise AssertionError

    scope = {"type": "websocket", "path": "/-/health/livez"}
    asyncio.run(AsgiHealth(app, "/-/health")(scope, nothing, nothing))
    assert passed == ["websocket"]

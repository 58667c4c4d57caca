"""WebSocket messages, and GraphQL over HTTP (strawberry on FastAPI), at a real SQLite sink."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from starlette.testclient import TestClient

from stockade.boundary import check_body, rejection
from stockade.core.config import Settings
from stockade.core.errors import StockadeError
from stockade.core.events import Event
from stockade.integrations.fastapi import protect
from tests.conftest import Switch

Weak = Callable[[str], ModuleType]
ATTACK = "' UNION SELECT secret FROM item -- "
HIDDEN = "the-hidden-price"


def guarded(app: FastAPI) -> FastAPI:
    def check(content_type: str, body: bytes) -> None:
        check_body(content_type, body, max_depth=64)

    protect(app, Settings(), check, rejection)
    return app


def talking(weak: Weak) -> FastAPI:
    find = weak("tests.integration.apps.weak_queries").find
    app = FastAPI()

    @app.websocket("/talk")
    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        while True:
            try:
                document = await socket.receive_json()
                await socket.send_text(find(document["name"]))
            except WebSocketDisconnect:
                return
            except StockadeError:
                await socket.close(1008)
                return

    return app


def test_a_message_of_a_websocket(weak: Weak, firewall: Switch, events: list[Event]) -> None:
    with TestClient(talking(weak)).websocket_connect("/talk") as bare:
        bare.send_json({"name": ATTACK})
        assert HIDDEN in bare.receive_text()
    with firewall("block"), TestClient(guarded(talking(weak))).websocket_connect("/talk") as socket:
        socket.send_json({"name": "lamp"})
        assert socket.receive_text() == "[('lamp',)]"
        assert events == []
        socket.send_json({"name": ATTACK})
        assert socket.receive()["type"] == "websocket.close"
    assert [event.name for event in events] == ["malicious_sqli"]


def graphql(weak: Weak) -> FastAPI:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        strawberry: Any = pytest.importorskip("strawberry")
        router: Any = pytest.importorskip("strawberry.fastapi").GraphQLRouter
    find = weak("tests.integration.apps.weak_queries").find

    def item(name: str) -> str:
        found: str = find(name)
        return found

    query = strawberry.type(type("Query", (), {"item": strawberry.field(resolver=item)}))
    app = FastAPI()
    app.include_router(router(strawberry.Schema(query)), prefix="/graphql")
    return app


def ask(app: FastAPI, name: str) -> Any:
    """The value in a variable, as clients send it."""
    query = "query Find($name: String!) { item(name: $name) }"
    return TestClient(app).post("/graphql", json={"query": query, "variables": {"name": name}})


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_graphql_turns_no_refusal_into_a_success(
    weak: Weak, firewall: Switch, events: list[Event]
) -> None:
    assert HIDDEN in ask(graphql(weak), ATTACK).text
    with firewall("block"):
        app = guarded(graphql(weak))
        refused = ask(app, ATTACK)
        honest = ask(app, "lamp")
    assert (refused.status_code, HIDDEN in refused.text) == (403, False)
    assert refused.headers["content-type"] == "application/problem+json"
    assert honest.json() == {"data": {"item": "[('lamp',)]"}}
    assert [event.name for event in events] == ["malicious_sqli"]

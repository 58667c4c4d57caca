"""A service with one handler, which does what the bypass of the moment says; bare and guarded.

Bare is the application as it is: what it does belongs to no request, so that nothing is judged.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket

from stockade import Stockade
from stockade import app as joined
from stockade.core import propagation
from stockade.core.config import Settings, StoreSettings, WatchSettings
from stockade.firewall.firewall import Firewall
from tests.firewall.bypasses.model import Answer, Bypass
from tests.firewall.bypasses.world import World

QUIET = Settings(store=StoreSettings(url="memory"), watch=WatchSettings(log="", audit=""))
METHODS = ["GET", "POST", "PUT"]


class Service:
    """The same handlers twice: guarded and not."""

    def __init__(self, bypass: Bypass, folder: Path) -> None:
        self.bypass = bypass
        self.world: World
        self._folders = (folder / str(number) for number in itertools.count())

    def ask(self, app: Starlette, values: tuple[Any, ...]) -> tuple[Answer, bool]:
        """The answer to one request with `values`, in a world of its own; whether harm was done."""
        folder = next(self._folders)
        folder.mkdir()
        self.world = World(folder)
        client = TestClient(app, raise_server_exceptions=False)
        answer = self.bypass.source.send(client, values)
        answer = answer._replace(text=answer.text.replace(str(folder), ""))
        return answer, self.world.is_harmed(answer.text)

    def app(self) -> Starlette:
        async def handle(connection: HTTPConnection, content: bytes) -> str:
            values = self.bypass.source.read(connection, content)
            if inspect.isawaitable(values):
                values = await values
            result = self.bypass.weak(self.world, *values)
            return str(await result if inspect.isawaitable(result) else result)

        async def endpoint(request: Request) -> Response:
            return PlainTextResponse(await handle(request, await request.body()))

        async def socket(websocket: WebSocket) -> None:
            await websocket.accept()
            message = await websocket.receive()
            content = message.get("bytes") or message["text"].encode()
            try:
                text = await handle(websocket, content)
            except Exception as error:
                text = type(error).__name__
            await websocket.send_text(text)
            await websocket.close()

        return Starlette(
            routes=[
                WebSocketRoute("/ws", socket),
                Route("/{rest:path}", endpoint, methods=METHODS),
            ]
        )


@pytest.fixture(scope="session")
def sinks() -> Iterator[None]:
    """The sinks stay guarded from test to test: to reach what is imported already takes a while."""
    yield
    if joined._running is not None:
        joined._running.close()
    joined._running = None
    joined.firewall.uninstall()
    propagation.uninstall()


@pytest.fixture
def guard(sinks: None, monkeypatch: pytest.MonkeyPatch) -> Callable[[Starlette], Starlette]:
    """Puts the firewall around an application, one that has seen nothing yet.

    The boundary's checks of bodies are left out: they refuse many of these before the firewall sees
    them, and what it does is the point here.
    """
    monkeypatch.setattr(joined, "firewall", Firewall())
    monkeypatch.setattr(Stockade, "_check_body", lambda self: lambda content_type, body: None)

    def protect(app: Starlette) -> Starlette:
        Stockade.protect(app, settings=QUIET)
        return app

    return protect

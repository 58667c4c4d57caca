"""Over http nothing is served: a page moves to https, a program is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request, WebSocket
from flask import Flask, request
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from stockade import Stockade
from stockade.boundary.gate.transport import Transport
from stockade.core.events import Event
from stockade.core.head import Reply
from tests.boundary.gate.conftest import Asked, settings

HTTPS = "[request]\nhttps = true\n"
PAGE = {"upgrade-insecure-requests": "1"}  # what Chromium, Firefox and Safari send with a page
TOKEN = {"authorization": "Bearer of-a-careless-program"}


class Service:
    """A service, and what has reached it in the clear."""

    def __init__(self, folder: Path, configuration: str = HTTPS, mode: str = "block") -> None:
        self.tokens: list[str] = []
        app = FastAPI()

        @app.get("/orders")
        def orders(request: Request) -> str:
            self.tokens.append(request.headers.get("authorization", ""))
            return "orders"

        @app.websocket("/live")
        async def live(socket: WebSocket) -> None:
            await socket.accept()
            await socket.send_text("live")
            await socket.close()

        Stockade.protect(app, settings=settings(folder, configuration, mode))
        self.clients = {
            scheme: TestClient(app, base_url=f"{scheme}://shop.example", follow_redirects=False)
            for scheme in ("http", "https")
        }

    def get(self, scheme: str, path: str = "/orders", **headers: str) -> Any:
        return self.clients[scheme].get(path, headers=headers)

    def talk(self, scheme: str) -> str:
        client = self.clients["http" if scheme == "ws" else "https"]
        try:
            with client.websocket_connect(f"{scheme}://shop.example/live") as socket:
                return socket.receive_text()
        except WebSocketDisconnect as closed:
            return str(closed.code)


@pytest.mark.asvs("V4.1.2")
def test_a_program_is_refused_and_not_moved(tmp_path: Path, events: list[Event]) -> None:
    """Were it moved, it would send its token in the clear with every call, and never notice."""
    bare = Service(tmp_path, mode="off")
    assert bare.get("http", **TOKEN).status_code == 200
    assert bare.tokens == [TOKEN["authorization"]]

    service = Service(tmp_path)
    answer = service.get("http", **TOKEN)
    assert answer.status_code == 403
    assert "location" not in answer.headers
    assert "replace the passwords and tokens" in answer.json()["detail"]
    assert service.tokens == []
    assert [event.rule for event in events if event.name == "request_refused"] == ["gate.https"]
    posted = service.clients["http"].post("/orders", headers=PAGE)
    assert posted.status_code == 403  # what was sent has been sent


def test_a_page_moves_to_the_same_place(tmp_path: Path) -> None:
    service = Service(tmp_path)
    answer = service.get("http", "/orders?of=J%C3%BCrgen&n=1", **PAGE)
    assert answer.status_code == 308
    assert answer.headers["location"] == "https://shop.example/orders?of=J%C3%BCrgen&n=1"
    assert service.get("https", **PAGE).status_code == 200
    assert service.get("https", **TOKEN).status_code == 200


@pytest.mark.asvs("V4.4.1")
def test_no_socket_is_opened_in_the_clear(tmp_path: Path) -> None:
    assert Service(tmp_path, mode="off").talk("ws") == "live"
    service = Service(tmp_path)
    assert service.talk("ws") == "1008"
    assert service.talk("wss") == "live"


def test_by_default_and_while_observing_http_is_served(tmp_path: Path, events: list[Event]) -> None:
    assert Service(tmp_path, "").get("http", **TOKEN).status_code == 200
    assert "request_refused" not in {event.name for event in events}
    observing = Service(tmp_path, HTTPS, "observe")
    assert observing.get("http", **PAGE).status_code == 200
    assert observing.talk("ws") == "live"
    assert [event.outcome for event in events if event.rule == "gate.https"] == ["observed"] * 2


def test_flask_and_its_servers_raw_address(tmp_path: Path) -> None:
    app = Flask("shop")
    app.add_url_rule("/orders", view_func=lambda: f"of {request.query_string.decode()}")
    Stockade.protect(app, settings=settings(tmp_path, HTTPS))
    client = app.test_client()
    moved = client.get("/orders?a=%2F%2Fb", base_url="http://shop.example", headers=PAGE)
    assert moved.status_code == 308
    assert moved.headers["location"] == "https://shop.example/orders?a=%2F%2Fb"
    assert client.get("/orders", base_url="http://shop.example").status_code == 403
    assert client.get("/orders?a=1", base_url="https://shop.example").text == "of a=1"


@pytest.mark.parametrize(
    ("host", "target", "location"),
    [
        ("shop.example:8080", "//evil.example", b"https://shop.example//evil.example"),
        ("[2001:db8::1]:80", "/", b"https://[2001:db8::1]/"),
        ("shop.example@evil.example", "/", None),
        ("shop.example/..", "/", None),
        ("shop.example", "/a\r\nset-cookie: a=b", None),
        ("shop.example", "http://evil.example/", None),
        ("", "/", None),
    ],
)
def test_it_leads_to_this_host_or_nowhere(host: str, target: str, location: bytes | None) -> None:
    fields = {"host": [host], "upgrade-insecure-requests": ["1"]}
    found = Transport(active=True, redirects=True).enter(
        Asked(scheme="http", target=target, fields=fields)
    )
    sent = dict(found.headers).get(b"location") if isinstance(found, Reply) else None
    assert sent == location

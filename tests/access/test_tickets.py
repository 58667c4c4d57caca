"""A ticket opens one WebSocket, for half a minute, for a session that stands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request, WebSocket
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from stockade import Stockade
from stockade.access import Sessions, Tickets
from stockade.core.config import Settings, StoreSettings, WatchSettings
from stockade.core.context import RequestContext, running
from stockade.core.errors import ConfigError
from stockade.core.events import Event
from stockade.core.ports import Store
from stockade.stores import open_store
from stockade.testing import FixedClock

Talk = Callable[[str], str]


@pytest.fixture
def store() -> Store:
    return open_store("memory")


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def sessions(store: Store, clock: FixedClock) -> Sessions:
    return Sessions(store, clock=clock)


def live(folder: Path) -> tuple[Stockade, TestClient, Talk, Talk]:
    """A service with two sockets: one takes the session's token in its address, one a ticket."""
    app = FastAPI()
    quiet = Settings(store=StoreSettings(url="memory"), watch=WatchSettings(log="", audit=""))
    stockade = Stockade.protect(app, settings=quiet)

    @app.post("/ticket")
    def ticket(request: Request) -> str:
        session = stockade.sessions.check(request.cookies.get("session", ""))
        return "" if session is None else stockade.tickets.issue(session).reveal()

    async def serve(socket: WebSocket, session: Any) -> None:
        if session is None:
            await socket.close(1008)
            return
        await socket.accept()
        await socket.send_text(f"of {session.account}")
        await socket.close()

    @app.websocket("/by-token")
    async def by_token(socket: WebSocket, token: str) -> None:
        await serve(socket, stockade.sessions.check(token))

    @app.websocket("/by-ticket")
    async def by_ticket(socket: WebSocket, ticket: str) -> None:
        await serve(socket, stockade.tickets.redeem(ticket))

    client = TestClient(app, base_url="https://live.example")

    def talking(path: str) -> Talk:
        def talk(value: str) -> str:
            try:
                with client.websocket_connect(f"wss://live.example{path}{value}") as socket:
                    return socket.receive_text()
            except WebSocketDisconnect as closed:
                return str(closed.code)

        return talk

    return stockade, client, talking("/by-token?token="), talking("/by-ticket?ticket=")


@pytest.mark.asvs("V4.4.3")
def test_what_stands_in_a_log_opens_nothing(tmp_path: Path, events: list[Event]) -> None:
    """The address of a handshake is written down by every proxy on the way."""
    stockade, client, by_token, by_ticket = live(tmp_path)
    token = stockade.sessions.create("ada").token.reveal()
    for _ in range(2):
        assert by_token(token) == "of ada"  # whoever reads the log, as often as he likes

    client.cookies.set("session", token)
    ticket = client.post("/ticket").json()
    assert ticket != token
    assert by_ticket(ticket) == "of ada"
    assert by_ticket(ticket) == "1008"
    assert by_token(ticket) == "1008"
    assert [event.rule for event in events if event.name == "request_refused"] == ["access.ticket"]


@pytest.mark.asvs("V4.4.4")
def test_only_a_session_that_stands_gets_and_uses_one(tmp_path: Path) -> None:
    stockade, client, _by_token, by_ticket = live(tmp_path)
    assert client.post("/ticket").json() == ""  # nobody is signed in
    assert by_ticket("a" * 43) == "1008"  # and nothing is adopted

    token = stockade.sessions.create("ada").token.reveal()
    client.cookies.set("session", token)
    tickets = [client.post("/ticket").json() for _ in range(2)]
    assert by_ticket(tickets[0]) == "of ada"
    stockade.sessions.end(token)
    assert by_ticket(tickets[1]) == "1008"


def test_a_ticket_says_who_asks(store: Store, sessions: Sessions) -> None:
    tickets = Tickets(store, sessions)
    issued = sessions.create("ada")
    with running(RequestContext("1", "192.0.2.1")) as request:
        assert tickets.redeem(tickets.issue(issued.session).reveal()) == issued.session
    assert request.principal == "ada"


def test_it_is_too_old_after_its_time(store: Store, sessions: Sessions) -> None:
    tickets = Tickets(store, sessions, seconds=1e-6)
    assert tickets.redeem(tickets.issue(sessions.create("ada").session).reveal()) is None


def test_an_idle_session_is_over_for_its_tickets_too(
    store: Store, sessions: Sessions, clock: FixedClock
) -> None:
    tickets = Tickets(store, sessions, seconds=10_000)
    ticket = tickets.issue(sessions.create("ada").session).reveal()
    clock.advance(1_801)
    assert tickets.redeem(ticket) is None


def test_the_store_sees_no_ticket(store: Store, sessions: Sessions) -> None:
    tickets = Tickets(store, sessions)
    ticket = tickets.issue(sessions.create("ada").session)
    held = list(store.scan("ticket:"))
    assert len(held) == 1
    assert ticket.reveal() not in str(held)
    assert ticket.reveal() not in repr(ticket)


@pytest.mark.parametrize("wrong", ["", "a", "a" * 42 + "=", "a" * 44, "é" * 43])
def test_what_is_no_ticket_never_reaches_the_store(
    wrong: str, store: Store, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "get", None)
    assert Tickets(store, sessions).redeem(wrong) is None


def test_a_ticket_for_no_time_is_said_at_start(store: Store, sessions: Sessions) -> None:
    with pytest.raises(ConfigError):
        Tickets(store, sessions, seconds=0)

"""Sessions: attacks on them, and people who just use them."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from stockade.access import Sessions
from stockade.core.context import RequestContext, running
from stockade.core.errors import ConfigError, Denied, StoreError
from stockade.core.events import Event
from stockade.core.ports import SessionRevoker
from stockade.stores import MemoryStore, SQLiteStore

World = Any


def names(events: list[Event]) -> list[str]:
    return [event.name for event in events]


def test_a_session_opens_with_its_token(world: World, events: list[Event]) -> None:
    issued = world.sessions.create("account-1")
    request = RequestContext(id="r")
    with running(request):
        assert world.sessions.check(issued.token.reveal()) == issued.session
    assert request.principal == "account-1"
    assert names(events) == ["session_created"]


def test_fixation_a_planted_token_never_becomes_a_session(world: World) -> None:
    planted = "A" * 43  # what an attacker made the victim's browser send
    issued = world.sessions.create("account-1", replaces=planted)
    assert issued.token.reveal() != planted
    assert world.sessions.check(planted) is None
    assert world.sessions.check(issued.token.reveal())


def test_fixation_the_attackers_own_session_ends_when_the_victim_signs_in(world: World) -> None:
    attackers = world.sessions.create("mallory").token.reveal()
    victims = world.sessions.create("account-1", replaces=attackers).token.reveal()
    assert world.sessions.check(attackers) is None
    session = world.sessions.check(victims)
    assert session is not None
    assert session.account == "account-1"


def test_the_stolen_store_file_opens_no_session(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    store = SQLiteStore(path)
    sessions = Sessions(store)
    token = sessions.create("account-1").token.reveal()
    loot = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert len(loot) > 1_000
    assert token.encode() not in loot
    with closing(sqlite3.connect(path)) as thief:
        rows = thief.execute("SELECT key, value FROM state").fetchall()
    words = {
        part for row in rows for cell in row for part in cell.decode().replace('"', ":").split(":")
    }
    assert len(words) > 5
    assert not any(sessions.check(word) for word in words)
    assert sessions.check(token)
    store.close()


@pytest.mark.parametrize(
    "token", ["", "short", "é" * 43, "A" * 44, "A" * 42 + "\n", "x" * 1_000_000]
)
def test_what_is_no_token_asks_no_store(token: str) -> None:
    store = MemoryStore()
    sessions = Sessions(store)
    store.close()
    assert sessions.check(token) is None
    assert not sessions.end(token)


def test_idle_limit(world: World, events: list[Event]) -> None:
    token = world.sessions.create("account-1").token.reveal()
    world.clock.now += 600
    assert world.sessions.check(token) is None
    assert world.sessions.check(token) is None  # the page's second request
    assert names(events) == ["session_created", "session_expired"]
    assert events[1].details["cause"] == "idle"


def test_who_works_does_not_idle_out_but_reaches_the_absolute_limit(
    world: World, events: list[Event]
) -> None:
    token = world.sessions.create("account-1").token.reveal()
    for _ in range(7):
        world.clock.now += 500
        assert world.sessions.check(token)
    world.clock.now += 100
    assert world.sessions.check(token) is None
    assert events[-1].details["cause"] == "absolute"
    assert names(events) == ["session_created", *["session_renewed"] * 7, "session_expired"]


def test_a_request_rarely_writes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    token = world.sessions.create("account-1").token.reveal()
    puts: list[str] = []
    put = world.store.put

    def counted(key: str, value: bytes, *, ttl: float | None = None) -> None:
        puts.append(key)
        put(key, value, ttl=ttl)

    monkeypatch.setattr(world.store, "put", counted)
    for _ in range(600):
        world.clock.now += 1
        assert world.sessions.check(token)
    assert 9 <= len(puts) <= 10


def test_a_revoked_session_is_over_at_once_and_its_use_is_reported(
    world: World, events: list[Event]
) -> None:
    issued = world.sessions.create("account-1")
    revoker: SessionRevoker = world.sessions
    assert revoker.revoke(issued.session.id) == 1
    assert world.sessions.revoke(issued.session.id) == 0
    for _ in range(50):
        assert world.sessions.check(issued.token.reveal()) is None
    assert names(events) == ["session_created", "session_expired", "session_use_after_expire"]
    assert events[-1].principal == "account-1"
    world.clock.now += 61
    world.sessions.check(issued.token.reveal())
    assert names(events).count("session_use_after_expire") == 2


def test_a_renewal_that_races_with_a_revocation_revives_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = world.sessions.create("account-1")
    world.clock.now += 300
    put = world.store.put

    def revoked_meanwhile(key: str, value: bytes, *, ttl: float | None = None) -> None:
        monkeypatch.setattr(world.store, "put", put)
        world.sessions.revoke(issued.session.id)
        put(key, value, ttl=ttl)

    monkeypatch.setattr(world.store, "put", revoked_meanwhile)
    world.sessions.check(issued.token.reveal())
    assert world.sessions.check(issued.token.reveal()) is None
    assert world.sessions.list("account-1") == []


def test_revoking_an_account_ends_its_sessions_and_no_other(world: World) -> None:
    mine = [world.sessions.create("a").token.reveal() for _ in range(3)]
    others = [world.sessions.create(name).token.reveal() for name in ("a:", "ab", "%", "A")]
    assert world.sessions.revoke_account("a") == 3
    assert not any(world.sessions.check(token) for token in mine)
    assert all(world.sessions.check(token) for token in others)


def test_a_sign_in_under_way_does_not_slip_past_the_revocation(world: World) -> None:
    started = world.clock()
    world.clock.now += 1
    world.sessions.revoke_account("account-1")
    world.clock.now += 1
    with pytest.raises(Denied):
        world.sessions.create("account-1", since=started)
    assert world.sessions.list("account-1") == []
    assert world.sessions.create("account-1", since=world.clock())


def test_list_shows_live_sessions_only(world: World) -> None:
    with running(RequestContext(id="r", client="192.0.2.7")):
        first = world.sessions.create("account-1").session
    world.clock.now += 400
    second = world.sessions.create("account-1").session
    assert world.sessions.list("account-1") == [first, second]
    assert first.client == "192.0.2.7"
    world.clock.now += 300  # the first has idled out, though nobody noticed yet
    assert world.sessions.list("account-1") == [second]


def test_many_who_notice_the_end_make_one_event(
    world: World, events: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    token = world.sessions.create("account-1").token.reveal()
    world.clock.now += 3_000
    get, together = world.store.get, threading.Barrier(8)

    def all_at_once(key: str) -> bytes | None:
        value: bytes | None = get(key)
        if key.startswith("session:"):
            together.wait()  # nobody goes on before all have read the live record
        return value

    monkeypatch.setattr(world.store, "get", all_at_once)
    threads = [threading.Thread(target=world.sessions.check, args=(token,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names(events).count("session_expired") == 1
    assert "session_use_after_expire" not in names(events)


def test_without_a_store_nobody_gets_in(world: World) -> None:
    token = world.sessions.create("account-1").token.reveal()
    world.store.close()
    with pytest.raises(StoreError):
        world.sessions.check(token)


def test_no_event_and_no_repr_holds_the_token(world: World, events: list[Event]) -> None:
    issued = world.sessions.create("account-1")
    token = issued.token.reveal()
    world.sessions.end(token)
    world.sessions.check(token)
    assert len(events) == 3
    assert token not in repr(events) + repr(issued)


@pytest.mark.parametrize(("idle", "absolute"), [(0, 10), (-1, 10), (20, 10)])
def test_limits_that_make_no_sense(idle: float, absolute: float) -> None:
    with pytest.raises(ConfigError):
        Sessions(MemoryStore(), idle=idle, absolute=absolute)

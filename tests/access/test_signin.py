"""Sign-in: guessing, enumerating, burning CPU; and people who mistype."""

from collections import Counter
from typing import Any

import pytest

from stockade.access import SignIn
from stockade.core.bus import bus
from stockade.core.context import RequestContext, running
from stockade.core.errors import CryptoError, Denied, Throttled
from stockade.core.events import Event

World = Any

GUESSES = ["123456", "password", "qwerty", "dragon", "monkey", "letmein", "sunshine", "shadow"]
ATTACKER, OFFICE = "203.0.113.66", "198.51.100.7"


class Responder:
    """Five failures of one client for one account: a minute's wait. As the watch part does it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.failures: Counter[tuple[str, str]] = Counter()

    def __call__(self, event: Event) -> None:
        if event.name == "authn_login_fail":
            pair = event.client, event.details["account"]
            self.failures[pair] += 1
            if self.failures[pair] >= 5:
                self.world.throttle.throttle(*pair, seconds=60, reason="test.guessing")


def guess(world: World, client: str, name: str) -> str | None:
    """Try the list; the token that the attacker ends up with, if any."""
    for password in GUESSES:
        try:
            return str(world.from_client(client, name, password))
        except (Denied, Throttled):
            continue
    return None


@pytest.fixture
def defended(world: World) -> Any:
    responder = Responder(world)
    bus.subscribe_audit(responder)
    yield world
    bus.unsubscribe(responder)


def test_guessing_works_without_a_responder(world: World) -> None:
    stolen = guess(world, ATTACKER, "ann")
    assert stolen
    assert world.sessions.check(stolen).account == "account-1"


def test_guessing_fails_with_one_and_hurts_nobody_else(
    defended: World, events: list[Event]
) -> None:
    world = defended
    standing = world.from_client(OFFICE, "ann", "sunshine")
    assert guess(world, ATTACKER, "ann") is None
    assert [s.client for s in world.sessions.list("account-1")] == [OFFICE]
    # The owner's session stands, her next sign-in from elsewhere works, and so does the
    # attacker's address for its other users.
    assert world.sessions.check(standing)
    assert world.from_client(OFFICE, "ann", "sunshine")
    assert world.from_client(ATTACKER, "bob", "a long one that no list has")
    assert [e.client for e in events if e.name == "excess_rate_limit_exceeded"] == [ATTACKER] * 3
    world.clock.now += 61
    assert world.from_client(ATTACKER, "ann", "sunshine")


def test_spelling_a_name_otherwise_is_no_fresh_start(defended: World) -> None:
    for password, name in zip(GUESSES, ["ann", "Ann", "ANN", "aNn", "anN", "AnN"], strict=False):
        with pytest.raises((Denied, Throttled)):
            defended.from_client(ATTACKER, name, password)
    with pytest.raises(Throttled):
        defended.from_client(ATTACKER, "aNN", "sunshine")


def test_unknown_names_are_throttled_alike(defended: World) -> None:
    outcomes = {
        name: [attempt(defended, name, password) for password in [*GUESSES[:-2], "no", "no"]]
        for name in ("bob", "nobody", "admin' --")
    }
    assert outcomes["bob"] == ["Denied"] * 5 + ["Throttled"] * 3
    assert outcomes["bob"] == outcomes["nobody"] == outcomes["admin' --"]


def attempt(world: World, name: str, password: str) -> str:
    try:
        world.from_client(ATTACKER, name, password)
    except (Denied, Throttled) as error:
        return type(error).__name__
    return "in"


@pytest.mark.parametrize("name", ["ann", "nobody", "", "x" * 100_000, "\ud800"])
@pytest.mark.parametrize("password", ["wrong", "", "x" * 5_000_000, "\ud800"])
def test_every_failure_costs_one_hash_and_says_the_same(
    world: World, name: str, password: str
) -> None:
    before = world.hasher.computed
    with pytest.raises(Denied) as caught:
        world.from_client(ATTACKER, name, password)
    assert world.hasher.computed - before == 1
    assert str(caught.value) == "the name or the password is wrong; try again"
    assert caught.value.problem().status == 401


def test_the_throttled_cost_no_hash(world: World) -> None:
    who = world.sign_in.account_fingerprint("ann")
    world.throttle.throttle(ATTACKER, who, seconds=60, reason="test")
    before = world.hasher.computed
    for password in (*GUESSES, "sunshine"):
        with pytest.raises(Throttled) as caught:
            world.from_client(ATTACKER, "ann", password)
    assert world.hasher.computed == before
    assert 0 < caught.value.retry_after <= 60


def test_a_person_who_mistypes_gets_in(defended: World, events: list[Event]) -> None:
    for typo in ("sunshime", "sunshine "):
        with pytest.raises(Denied):
            defended.from_client(OFFICE, "ann", typo)
    token = defended.from_client(OFFICE, "ann", "sunshine")
    assert defended.sessions.check(token).account == "account-1"
    assert [e.name for e in events] == [
        "authn_login_fail",
        "authn_login_fail",
        "session_created",
        "authn_login_success",
        "authn_login_successafterfail",
    ]
    assert events[-1].details["failures"] == 2
    defended.from_client(OFFICE, "ann", "sunshine")
    assert events[-1].name == "authn_login_success"  # told once
    assert len({e.details["account"] for e in events if e.name.startswith("authn")}) == 1


def test_no_event_holds_what_was_typed(world: World, events: list[Event]) -> None:
    # People type passwords into the field for the name.
    for name, password in (("hunter2-typed-here", "x"), ("ann", "hunter2-typed-here")):
        with pytest.raises(Denied):
            world.from_client(ATTACKER, name, password)
    world.throttle.throttle(
        ATTACKER, world.sign_in.account_fingerprint("hunter2-typed-here"), seconds=9, reason="test"
    )
    with pytest.raises(Throttled):
        world.from_client(ATTACKER, "hunter2-typed-here", "x")
    assert len(events) == 4
    assert "hunter2" not in repr(events)
    assert all(event.principal for event in events if event.name != "client_throttled")


def test_a_sign_in_replaces_the_session_that_was_sent(world: World) -> None:
    first = world.from_client(OFFICE, "ann", "sunshine")
    with running(RequestContext(id="r", client=OFFICE)):
        second = world.sign_in("ann", "sunshine", replaces=first).token.reveal()
    assert world.sessions.check(first) is None
    assert world.sessions.check(second)


def test_an_outdated_hash_is_renewed_after_success_only(world: World) -> None:
    saved: list[tuple[str, str]] = []
    sign_in = SignIn(
        world.accounts,
        world.hasher,
        world.sessions,
        world.throttle,
        world.mac,
        save_hash=lambda account, encoded: saved.append((account.id, encoded)),
        clock=world.clock,
    )
    sign_in("ann", "sunshine")
    assert saved == []
    world.hasher.outdated = True
    with pytest.raises(Denied):
        sign_in("ann", "wrong")
    assert saved == []
    sign_in("ann", "sunshine")
    assert [id for id, _ in saved] == ["account-1"]
    assert world.hasher.verify(saved[0][1], "sunshine")


def test_a_broken_hash_lets_nobody_in_and_is_loud(
    world: World, events: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(encoded: str, password: str) -> bool:
        raise CryptoError("the hash is malformed")

    monkeypatch.setattr(world.hasher, "verify", broken)
    with pytest.raises(Denied):
        world.from_client(OFFICE, "ann", "sunshine")
    assert [e.name for e in events] == ["defence_failed", "authn_login_fail"]

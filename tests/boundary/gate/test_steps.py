"""A process goes step by step: nobody skips, doubles or rushes one."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from fastapi import FastAPI, Request
from starlette.testclient import TestClient

from stockade import Stockade
from stockade.boundary import Steps
from stockade.core.errors import ConfigError, Rejected, StoreError, Throttled
from stockade.core.events import Event
from stockade.core.ports import Store
from stockade.stores import open_store
from stockade.testing import FixedClock
from tests.boundary.gate.conftest import settings

ORDER = ("cart", "address", "payment")


@pytest.fixture
def store() -> Store:
    return open_store("memory")


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def checkout(store: Store, clock: FixedClock) -> Steps:
    return Steps(store, "checkout", *ORDER, clock=clock)


def go(steps: Steps, *taken: str, session: str = "s1") -> None:
    for step in taken:
        with steps.step(step, session):
            pass


def shop(folder: Path, guarded: bool, pause: float = 0.0) -> tuple[TestClient, list[str]]:
    """A shop that ships what is at its last step; `guarded` is one line in each view."""
    app, shipped = FastAPI(), list[str]()
    stockade = Stockade.protect(app, settings=settings(folder, ""))
    checkout = stockade.steps("checkout", *ORDER, pause=pause)

    @app.post("/{step}")
    def take(step: str, request: Request) -> str:
        def work() -> str:
            if step == "payment":
                shipped.append(request.cookies["session"])
            return step

        if not guarded:
            return work()
        with checkout.step(step, request.cookies["session"]):
            return work()

    return TestClient(app, cookies={"session": "s1"}), shipped


@pytest.mark.asvs("V2.3.1")
def test_a_step_that_is_skipped_ships_nothing(tmp_path: Path, events: list[Event]) -> None:
    bare, shipped = shop(tmp_path, guarded=False)
    assert [bare.post(f"/{step}").status_code for step in ("cart", "payment")] == [200, 200]
    assert shipped == ["s1"]  # without an address, and as often as one likes

    client, shipped = shop(tmp_path, guarded=True)
    assert [client.post(f"/{step}").status_code for step in ("cart", "payment")] == [200, 409]
    assert shipped == []
    assert [event.rule for event in events if event.name == "sequence_fail"] == ["steps.checkout"]
    taken = [client.post(f"/{step}").status_code for step in ("address", "payment", "payment")]
    assert taken == [200, 200, 409]
    assert shipped == ["s1"]
    client.cookies.set("session", "s2")
    assert client.post("/address").status_code == 409  # what another session has reached


@pytest.mark.asvs("V2.4.2")
def test_who_is_faster_than_a_person_waits(tmp_path: Path, events: list[Event]) -> None:
    bare, shipped = shop(tmp_path, guarded=True)
    for step in ORDER * 20:
        assert bare.post(f"/{step}").status_code == 200
    assert len(shipped) == 20  # in a fraction of a second

    client, shipped = shop(tmp_path, guarded=True, pause=5.0)
    answers = [client.post(f"/{step}") for step in ORDER]
    assert [answer.status_code for answer in answers] == [200, 429, 409]
    assert answers[1].headers["retry-after"] == "5"
    assert shipped == []
    assert "excess_rate_limit_exceeded" in {event.name for event in events}


def test_a_persons_pace_passes(store: Store, clock: FixedClock) -> None:
    steps = Steps(store, "checkout", *ORDER, pause=5.0, clock=clock)
    for step in ORDER:
        go(steps, step)
        clock.advance(5.0)
    go(steps, "cart")
    clock.advance(4.9)
    with pytest.raises(Throttled) as early:
        go(steps, "address")
    assert early.value.retry_after == pytest.approx(0.1)
    clock.advance(0.1)
    go(steps, "address")


def test_going_back_is_free_and_what_lay_behind_is_done_again(checkout: Steps) -> None:
    go(checkout, "cart", "address", "cart")
    with pytest.raises(Rejected):
        go(checkout, "payment")
    go(checkout, "address", "address", "payment")


def test_a_step_whose_work_fails_was_not_taken(checkout: Steps) -> None:
    go(checkout, "cart", "address")
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), checkout.step("payment", "s1"):
            raise ZeroDivisionError
    go(checkout, "payment")
    with pytest.raises(ZeroDivisionError), checkout.step("cart", "s1"):
        raise ZeroDivisionError
    with pytest.raises(Rejected):
        go(checkout, "address")


def test_of_two_at_once_one_goes_on(checkout: Steps) -> None:
    go(checkout, "cart", "address")
    began, end = threading.Event(), threading.Event()
    paid: list[int] = []

    def pay() -> None:
        with checkout.step("payment", "s1"):
            began.set()
            end.wait(5)
            paid.append(1)

    thread = threading.Thread(target=pay)
    thread.start()
    began.wait(5)
    with pytest.raises(Rejected):
        go(checkout, "payment")
    end.set()
    thread.join()
    assert paid == [1]


def test_it_begins_anew_after_its_time(store: Store, clock: FixedClock) -> None:
    ended = Steps(store, "brief", *ORDER, seconds=1e-6, clock=clock)
    go(ended, "cart")
    with pytest.raises(Rejected):
        go(ended, "address")


def test_without_the_store_nobody_goes_on(
    checkout: Steps, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(key: str) -> bytes | None:
        raise StoreError("away")

    monkeypatch.setattr(store, "get", fails)
    with pytest.raises(StoreError):
        go(checkout, "cart")


@pytest.mark.parametrize(
    ("steps", "pause"), [(("a",), 0.0), (("a", "a"), 0.0), (("a", "b"), 60.0), (("a", "b"), -1.0)]
)
def test_what_is_no_sequence_is_said_at_start(
    steps: tuple[str, ...], pause: float, store: Store, clock: FixedClock
) -> None:
    with pytest.raises(ConfigError, match="the process"):
        Steps(store, "wrong", *steps, pause=pause, seconds=60.0, clock=clock)


def test_a_step_that_it_does_not_have_is_the_developers_mistake(checkout: Steps) -> None:
    with pytest.raises(ValueError, match="not in"):
        go(checkout, "delivery")

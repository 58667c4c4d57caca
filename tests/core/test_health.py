from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from stockade.core.events import Event
from stockade.core.health import OK, Grown, Health, State, Verdict

DOWN = Verdict(State.FAILED, "It is down.")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def health(clock: Clock) -> Health:
    return Health(clock=clock)


def is_ready(health: Health) -> bool:
    return health.ready


def is_alive(health: Health) -> bool:
    return health.alive


def told(events: list[Event]) -> list[tuple[str, str, str]]:
    return [(event.name, event.rule, event.details["state"]) for event in events]


def test_going_down_and_coming_up_again_are_an_event_each(
    health: Health, events: list[Event], capsys: pytest.CaptureFixture[str]
) -> None:
    verdict = OK
    health.watch("store", lambda: verdict, required=True)
    health.check()
    health.check()
    assert told(events) == []
    verdict = DOWN
    health.check()
    health.check()
    assert told(events) == [("defence_failed", "health.store", "failed")]
    assert not is_ready(health)
    verdict = Verdict(State.DEGRADED, "It is slow.")
    health.check()
    assert is_ready(health)
    verdict = OK
    health.check()
    assert told(events)[1:] == [
        ("defence_failed", "health.store", "degraded"),
        ("defence_recovered", "health.store", "ok"),
    ]
    assert capsys.readouterr().err.splitlines() == [
        "stockade: store is failed: It is down.",
        "stockade: store is degraded: It is slow.",
        "stockade: store works again",
    ]


def test_what_is_down_at_the_start_is_told_at_once(health: Health, events: list[Event]) -> None:
    health.watch("log", lambda: DOWN)
    health.check()
    assert told(events) == [("defence_failed", "health.log", "failed")]


def test_only_what_is_required_makes_a_process_unready(health: Health) -> None:
    health.watch("log", lambda: DOWN)
    health.watch("firewall", lambda: OK, required=True)
    health.check()
    assert is_ready(health)
    assert is_alive(health)
    (log, firewall) = health.report()
    assert (log.state, log.reason, log.required) == (State.FAILED, "It is down.", False)
    assert (firewall.state, firewall.required) == (State.OK, True)


def test_since_is_when_the_state_began(health: Health) -> None:
    health.watch("log", lambda: DOWN)
    health.check()
    (first,) = health.report()
    health.check()
    assert health.report() == (first,)


def test_a_probe_that_raises_is_a_failed_defence_and_says_no_value(health: Health) -> None:
    def broken() -> Verdict:
        raise ValueError("hunter2")

    health.watch("keyring", broken, required=True)
    health.check()
    (condition,) = health.report()
    assert condition.state is State.FAILED
    assert condition.reason == "It cannot be asked (ValueError)."
    assert not is_ready(health)


def test_a_bus_that_cannot_hand_out_is_not_alive(health: Health) -> None:
    health.watch("bus", lambda: DOWN)
    health.check()
    assert not is_alive(health)


def test_a_probe_that_hangs_does_not_hang_who_asks_and_is_told(
    clock: Clock,
) -> None:
    health = Health(clock=clock, seconds=0.01)
    go = threading.Event()

    def hangs() -> Verdict:
        go.wait(20)
        return OK

    health.watch("store", hangs, required=True)
    health.checker.start()
    try:
        before = time.monotonic()
        assert is_alive(health)
        clock.now = 31.0
        assert not is_alive(health)
        assert not is_ready(health)
        assert health.report()[-1].defence == "health"
        assert time.monotonic() - before < 1
    finally:
        go.set()
        health.checker.close(last=False)
    clock.now = 0.0
    assert is_alive(health)


def test_a_count_that_grew_is_remembered_for_half_a_minute(clock: Clock) -> None:
    grown = Grown(clock=clock)
    assert not grown(0)
    assert grown(1)
    clock.now = 29.0
    assert grown(1)
    clock.now = 31.0
    assert not grown(1)
    assert grown(2)


def test_nothing_is_watched_any_more(health: Health) -> None:
    health.watch("log", lambda: DOWN, required=True)
    health.check()
    health.forget()
    assert health.report() == ()
    assert is_ready(health)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_in_the_middle_of_a_check_can_check(health: Health) -> None:
    """Workers are forked while the parent's thread asks its probes."""
    inside, go = threading.Event(), threading.Event()

    def probe() -> Verdict:
        inside.set()
        go.wait(10)
        return OK

    health.watch("slow", probe)
    thread = threading.Thread(target=health.check)
    thread.start()
    assert inside.wait(10)
    child = os.fork()
    if child == 0:
        go.set()
        signal.alarm(5)  # waits for ever otherwise
        health.check()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    go.set()
    thread.join()
    assert status == 0

"""A circuit opens, lets one call at a time look, and closes."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from stockade.boundary.client.breaker import Circuit, Circuits
from stockade.core.errors import CircuitOpen, ConfigError

ORIGIN = "https://api.example:443"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Watched:
    def __init__(self, failures: int = 3, seconds: float = 10.0) -> None:
        self.clock = Clock()
        self.changes: list[bool] = []
        self.circuits = Circuits(
            Circuit(failures=failures, seconds=seconds),
            changed=lambda origin, is_open: self.changes.append(is_open),
            clock=self.clock,
        )

    def call(self, works: bool | None, origin: str = ORIGIN) -> None:
        self.circuits.enter(origin).settle(works=works)


def test_failures_in_a_row_open_it() -> None:
    watched = Watched()
    for works in (False, False, True, False, False, None):
        watched.call(works)
    assert watched.changes == []
    watched.call(False)
    assert watched.changes == [True]
    with pytest.raises(CircuitOpen) as caught:
        watched.call(True)
    assert caught.value.retry_after == 10.0
    problem = caught.value.problem()
    assert (problem.status, problem.headers) == (503, ((b"retry-after", b"10"),))
    watched.call(True, "https://other.example:443")


def test_one_call_looks_and_closes_it() -> None:
    watched = Watched()
    for _ in range(3):
        watched.call(False)
    watched.clock.now = 10.0
    probe = watched.circuits.enter(ORIGIN)
    with pytest.raises(CircuitOpen):
        watched.circuits.enter(ORIGIN)
    probe.settle(works=True)
    assert watched.changes == [True, False]
    for _ in range(5):
        watched.call(True)


def test_a_look_that_fails_opens_it_again() -> None:
    watched = Watched()
    for _ in range(3):
        watched.call(False)
    watched.clock.now = 10.0
    watched.call(False)
    assert watched.changes == [True]  # it never closed
    with pytest.raises(CircuitOpen):
        watched.call(True)
    watched.clock.now = 20.0
    watched.call(True)


def test_a_look_that_says_nothing_lets_the_next_one_look() -> None:
    watched = Watched()
    for _ in range(3):
        watched.call(False)
    watched.clock.now = 10.0
    watched.call(None)  # cancelled, or refused by the policy
    watched.call(True)
    assert watched.changes == [True, False]


def test_calls_that_began_before_it_opened_change_nothing() -> None:
    watched = Watched()
    early = [watched.circuits.enter(ORIGIN) for _ in range(8)]
    for passed in early[:4]:
        passed.settle(works=False)
    early[4].settle(works=True)
    assert watched.changes == [True]
    with pytest.raises(CircuitOpen):
        watched.call(True)


def test_a_pass_is_settled_once() -> None:
    watched = Watched(failures=2)
    passed = watched.circuits.enter(ORIGIN)
    passed.settle(works=False)
    passed.settle(works=False)
    assert watched.changes == []


def test_no_circuit() -> None:
    circuits = Circuits(None)
    for _ in range(20):
        circuits.enter(ORIGIN).settle(works=False)


def test_many_origins_are_not_remembered_for_ever() -> None:
    watched = Watched(failures=2)
    for number in range(3_000):
        watched.call(False, f"https://{number}.example:443")
    assert len(watched.circuits._states) <= 1_024


def test_threads_that_look_at_once() -> None:
    watched = Watched(failures=1)
    watched.call(False)
    watched.clock.now = 10.0
    together = threading.Barrier(8)

    def look(_: int) -> bool:
        together.wait()
        try:
            watched.circuits.enter(ORIGIN)
        except CircuitOpen:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(look, range(8))) == 1


@pytest.mark.parametrize("options", [{"failures": 0}, {"seconds": 0}, {"seconds": float("nan")}])
def test_settings_that_make_no_sense(options: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        Circuit(**options)  # type: ignore[arg-type]

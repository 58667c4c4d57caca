"""Which defences are up: a state each, looked at every few seconds, and an event when it changes.

A defence hands in a probe: a function that says what the defence already knows of itself, or tries
it cheaply. One thread asks them all; who reads the states (an endpoint, a metric) never waits for a
probe. Ready is a process whose *required* defences have not failed: those without which it would
refuse requests, or ought to. Alive is one whose events still move and whose probes still answer.
"""

from __future__ import annotations

import enum
import os
import threading
import time
import weakref
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from stockade.core.bus import emit, say
from stockade.core.events import Outcome, now
from stockade.core.periodic import Periodic

__all__ = ["OK", "Condition", "Grown", "Health", "Probe", "State", "Verdict", "health"]

CHECK_SECONDS = 2.0
"""How long a defence may be down, or up again, before that is noticed."""
_STUCK_SECONDS = 30.0


class State(enum.StrEnum):
    """Degraded: it does its work, and something of it is late, lost or of an older version."""

    OK = "ok"
    DEGRADED = "degraded"
    FAILED = "failed"


class Verdict(NamedTuple):
    """What a probe says: the state, and why, a constant sentence for people."""

    state: State
    reason: str = ""


OK = Verdict(State.OK)
Probe = Callable[[], Verdict]


class Condition(NamedTuple):
    """One defence, as it was found last; `since` is when it came into this state, UTC."""

    defence: str
    state: State
    since: datetime
    reason: str
    required: bool


class Health:
    """The states of this process's defences. There is one a process, `health`."""

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, seconds: float = CHECK_SECONDS
    ) -> None:
        self.checker = Periodic("health", self.check, seconds=seconds)
        self._clock = clock
        self._probes: dict[str, tuple[Probe, bool]] = {}
        self._found: dict[str, Condition] = {}
        self._checked = clock()
        self._lock = threading.Lock()
        itself: weakref.ref[Health] = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: _start_over(itself))

    def watch(self, defence: str, probe: Probe, *, required: bool = False) -> None:
        """Ask `probe` from now on; a defence of this name that was watched before is replaced."""
        self._probes[defence] = (probe, required)
        self._checked = self._clock()

    def forget(self) -> None:
        """Watch nothing any more."""
        self._probes = {}
        self._found = {}

    def check(self) -> None:
        """Ask every probe, and publish what has changed."""
        with self._lock:  # a check that a person asks for, beside the thread's own
            for defence, (probe, required) in list(self._probes.items()):
                before = self._found.get(defence)
                verdict = _asked(probe)
                if before is None or before[1] != verdict.state:
                    condition = Condition(defence, verdict.state, now(), verdict.reason, required)
                    self._found[defence] = condition
                    _tell(condition, None if before is None else before.state)
                else:
                    self._found[defence] = before._replace(reason=verdict.reason)
            self._checked = self._clock()

    def report(self) -> tuple[Condition, ...]:
        """Every defence that is watched, as it was found last, and the watching itself."""
        self.checker()
        found = [self._found[name] for name in self._probes if name in self._found]
        if self._stuck():
            reason = "A probe does not return, so nothing is known of the defences."
            found.append(Condition("health", State.FAILED, now(), reason, True))
        return tuple(found)

    @property
    def ready(self) -> bool:
        """Whether no required defence has failed."""
        return all(one.state is not State.FAILED for one in self.report() if one.required)

    @property
    def alive(self) -> bool:
        """Whether the process can still tell: its events move, and its probes answer."""
        return not self._stuck() and all(
            one.state is not State.FAILED for one in self.report() if one.defence == "bus"
        )

    def _stuck(self) -> bool:
        return self.checker.alive and self._clock() - self._checked > _STUCK_SECONDS


def _start_over(itself: weakref.ref[Health]) -> None:
    here = itself()
    if here is not None:
        here._lock = threading.Lock()  # the parent's thread may have held the old one


def _asked(probe: Probe) -> Verdict:
    try:
        return probe()
    except Exception as error:
        return Verdict(State.FAILED, f"It cannot be asked ({type(error).__name__}).")


def _tell(condition: Condition, before: State | None) -> None:
    if condition.state is State.OK:
        if before is None:
            return
        say(f"{condition.defence} works again")
        name, outcome = "defence_recovered", Outcome.ALLOWED
        reason = "A defence that had failed works again."
    else:
        say(f"{condition.defence} is {condition.state}: {condition.reason}")
        name, outcome = "defence_failed", Outcome.FAILED
        reason = condition.reason
    emit(
        name,
        outcome,
        "watch",
        reason,
        rule=f"health.{condition.defence}",
        defence=condition.defence,
        state=condition.state.value,
        required=condition.required,
    )


class Grown:
    """Whether a count of failures has grown in the last half minute; it was 0 at the beginning."""

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, seconds: float = _STUCK_SECONDS
    ) -> None:
        self._clock, self._seconds = clock, seconds
        self._before, self._until = 0, 0.0

    def __call__(self, count: int) -> bool:
        """Whether that is so, the count now being `count`."""
        if count > self._before:
            self._until = self._clock() + self._seconds
        self._before = count
        return self._clock() < self._until


health = Health()
"""The health of this process."""

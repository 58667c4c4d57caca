"""A circuit for each origin: after failures in a row it opens, and calls fail at once.

Closed, calls pass. After `failures` in a row it opens for `seconds`; then one call at a time is let
through to see (half-open): success closes it, failure opens it again. A service that is down is
left alone to come back, and nobody waits for time-outs that are foreseen.

Failures are: no connection, a broken one, a time-out, 502, 503 and 504. A 500 is not one, nor an
answer that breaks its contract: that service is there. Whoever may choose a URL of a host could
make it fail on purpose, and open its circuit for others: give calls to URLs that come from outside
a client of their own, with `circuit=None`.

State is this process's and this client's. At most `_MAX_ORIGINS` origins that failed are
remembered; the longest unchanged is forgotten first.

Sources: M. Nygard, "Release It!", circuit breaker; ASVS 5.0 V13.2.6.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from stockade.core.errors import CircuitOpen, ConfigError

__all__ = ["Circuit", "Circuits", "Pass"]

_MAX_ORIGINS = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """When circuits open, and for how long, in seconds. Raises ConfigError."""

    failures: int = 5
    seconds: float = 30.0

    def __post_init__(self) -> None:
        if self.failures < 1 or not self.seconds > 0:
            raise ConfigError("a Circuit opens after one failure or more, for more than no time")


class _State:
    __slots__ = ("failures", "open_until", "probing")

    def __init__(self) -> None:
        self.failures = 0
        self.open_until: float | None = None
        self.probing = False


class Circuits:
    """The circuits of one client, for threads and tasks alike."""

    def __init__(
        self,
        circuit: Circuit | None,
        *,
        changed: Callable[[str, bool], None] = lambda origin, is_open: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`changed` is told the origin, and whether its circuit opened or closed."""
        self._circuit = circuit
        self._changed = changed
        self._clock = clock
        self._lock = threading.Lock()  # held for a few assignments, never while anything waits
        self._states: dict[str, _State] = {}

    def enter(self, origin: str) -> Pass:
        """Leave to call `origin` once. Raises CircuitOpen."""
        with self._lock:
            state = self._states.get(origin)
            if state is None or state.open_until is None:
                return Pass(self, origin, is_probe=False)
            wait = state.open_until - self._clock()
            if wait > 0 or state.probing:
                raise CircuitOpen(
                    "the service called failed again and again, and is left alone for a while; "
                    "answer without it, or try later",
                    retry_after=max(wait, 1.0),
                )
            state.probing = True
            return Pass(self, origin, is_probe=True)

    def settle(self, passed: Pass, *, works: bool | None) -> None:
        """Count how the call ended; None says nothing about the service."""
        with self._lock:
            change = self._count(passed, works)
        if change is not None:
            self._changed(passed.origin, change)

    def _count(self, passed: Pass, works: bool | None) -> bool | None:
        """True if the circuit opened, False if it closed, None if it stays as it was."""
        circuit, state = self._circuit, self._states.get(passed.origin)
        if circuit is None:
            return None
        if passed.is_probe and state is not None:
            state.probing = False
        if works is None:
            return None
        is_open = state is not None and state.open_until is not None
        if is_open and not passed.is_probe:
            return None  # a call from before it opened: old news
        if works:
            self._states.pop(passed.origin, None)
            return False if is_open else None
        state = self._states.pop(passed.origin, None) or self._make_room()
        self._states[passed.origin] = state  # last, for it changed last
        state.failures += 1
        if state.failures < circuit.failures:
            return None
        state.open_until = self._clock() + circuit.seconds
        return None if is_open else True

    def _make_room(self) -> _State:
        if len(self._states) >= _MAX_ORIGINS:
            del self._states[next(iter(self._states))]
        return _State()


class Pass:
    """One call's way through its circuit. It must be settled, whatever happens to the call."""

    __slots__ = ("_circuits", "_settled", "is_probe", "origin")

    def __init__(self, circuits: Circuits, origin: str, *, is_probe: bool) -> None:
        self._circuits = circuits
        self.origin = origin
        self.is_probe = is_probe
        self._settled = False

    def settle(self, *, works: bool | None) -> None:
        """Say once how it ended; later words change nothing."""
        if not self._settled:
            self._settled = True
            self._circuits.settle(self, works=works)

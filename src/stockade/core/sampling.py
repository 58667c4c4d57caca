"""Sampling with exact counts: refusals that a client can cause at will must not fill a disk.

Of each kind of refusal (name, outcome, rule and route together) the first hundred in ten seconds
are events like any other. The rest of that window is counted, and at its end one `events_sampled`
event says how many there were: what was written and what was counted add up to what happened. The
metrics count every one of them in any case.

The application's own lines are sampled in the same way by the line of code that logs, from ten
thousand on.

Lost by a SIGKILL: the counts of the windows that were open, ten seconds of them at most.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

__all__ = ["LINES_PER_WINDOW", "PER_WINDOW", "SAMPLED", "Omitted", "Sampler"]

SAMPLED = frozenset(
    (
        "answer_refused",
        "app_failed_silently",
        "crypt_verify_fail",
        "csp_violation",
        "excess_rate_limit_exceeded",
        "input_validation_discrete_fail",
        "input_validation_fail",
        "loop_stalled",
        "malicious_cors",
        "malicious_extraneous",
        "request_refused",
        "store_failed",
        "sys_crash",
        "upstream_failed",
    )
)
"""Events that anybody, or a service that is down, can cause as fast as requests can be sent, and
that did no harm.

An access event belongs to them where its request was refused. Findings of the firewall do not: each
of them is evidence.
"""

PER_WINDOW = 100
LINES_PER_WINDOW = 10_000
SECONDS = 10.0
_MAX_KINDS = 4_096
_OTHER = "(other)"

Kind = tuple[str, ...]
"""Name, outcome, rule, resource; of a line of the application also the line of code."""


class Omitted(NamedTuple):
    """How many events of a kind were counted and not written, in a window that has ended."""

    name: str
    outcome: str
    rule: str
    resource: str
    written: int
    omitted: int
    site: str = ""


class _Window:
    __slots__ = ("ends", "most", "seen")

    def __init__(self, ends: float, most: int) -> None:
        self.ends, self.most, self.seen = ends, most, 0


class Sampler:
    """Which events are written; thread-safe."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, *, most: int = PER_WINDOW
    ) -> None:
        """`most` events of a kind are written in a window; 0: all."""
        self._clock = clock
        self._most = most or sys.maxsize
        self._lock = threading.Lock()
        self._windows: dict[Kind, _Window] = {}
        self._ended: list[Omitted] = []
        self.omitted: Counter[str] = Counter()
        """Events that were only counted, by name, since the beginning."""

    def keeps(self, kind: Kind, most: int | None = None) -> bool:
        """Whether this event is one that is written; the others are counted.

        `most` of its kind are written in a window, if it is not as many as of others; 0: all.
        """
        now = self._clock()
        with self._lock:
            if kind not in self._windows and len(self._windows) >= _MAX_KINDS:
                self._collect(now)
                if len(self._windows) >= _MAX_KINDS:
                    kind = (kind[0], kind[1], _OTHER, _OTHER)
            window = self._windows.get(kind)
            if window is not None and now >= window.ends:
                self._end(kind, window)
                window = None
            if window is None:
                window = self._windows[kind] = _Window(
                    now + SECONDS, self._most if most is None else most or sys.maxsize
                )
            window.seen += 1
            if window.seen <= window.most:
                return True
            self.omitted[kind[0]] += 1
            return False

    def ended(self, *, all_of_them: bool = False) -> list[Omitted]:
        """What was omitted in the windows that have ended, each told once."""
        with self._lock:
            self._collect(float("inf") if all_of_them else self._clock())
            ended, self._ended = self._ended, []
        return ended

    def due(self) -> float | None:
        """Seconds until a window ends in which something was omitted; None: there is none."""
        with self._lock:
            open_ones = [
                window.ends for window in self._windows.values() if window.seen > window.most
            ]
        return max(0.0, min(open_ones) - self._clock()) if open_ones else None

    def _collect(self, now: float) -> None:
        for kind, window in list(self._windows.items()):
            if now >= window.ends:
                self._end(kind, window)

    def _end(self, kind: Kind, window: _Window) -> None:
        del self._windows[kind]
        if window.seen > window.most:
            name, outcome, rule, resource, *site = kind
            omitted = window.seen - window.most
            self._ended.append(
                Omitted(name, outcome, rule, resource, window.most, omitted, "".join(site))
            )

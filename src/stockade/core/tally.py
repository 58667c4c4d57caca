"""Numbers kept while requests run, and read when metrics are scraped.

Rows of our own, because a child of prometheus_client costs more than the rest of a request's
bookkeeping together: integers, no lock, no allocation. Under the GIL an increment of a slot is not
interrupted; a free-threaded interpreter may lose a few.
"""

from __future__ import annotations

import os
import weakref
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable
from typing import TypeAlias

__all__ = ["BOUNDS", "OTHER_ROUTE", "Reading", "Readings", "Row", "Tally", "tally"]

Reading: TypeAlias = tuple[str, tuple[str, ...], float]
"""One number for the metrics: the metric's name, the values of its labels, its value."""
Readings: TypeAlias = Callable[[], Iterable[Reading]]
"""A source of numbers, asked when metrics are read."""

BOUNDS: tuple[int, ...] = tuple(
    milliseconds * 1_000_000 // 10
    for milliseconds in (5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000)
)
"""Upper bounds of the histogram's buckets, in nanoseconds, inclusive: 0.5 ms to 5 s."""

OTHER_ROUTE = "(other)"


_MAX_ROWS = 5_000


def _nothing() -> None:
    pass


def _none_started() -> int:
    return 0


class Row:
    """The requests of one status and route: how many, how long together, and how they spread."""

    __slots__ = ("buckets", "n", "nanoseconds")

    def __init__(self) -> None:
        self.n = 0
        self.nanoseconds = 0
        self.buckets = [0] * (len(BOUNDS) + 1)
        """Not cumulative; the last one holds what is slower than every bound."""

    def observe(self, nanoseconds: int) -> None:
        """Count one request that took so long."""
        self.n += 1
        self.nanoseconds += nanoseconds
        self.buckets[bisect_left(BOUNDS, nanoseconds)] += 1

    def clear(self) -> None:
        """Back to zero, in place: integrations hold on to rows."""
        self.n = self.nanoseconds = 0
        self.buckets[:] = [0] * len(self.buckets)


class Tally:
    """What integrations, the firewall and the logs count; there is one a process, `tally`."""

    def __init__(self, *, max_routes: int = 1_000) -> None:
        """At most `max_routes` routes get rows of their own; the rest share `(other)`."""
        self.max_routes = max_routes
        self.rows: dict[int, dict[str, Row]] = {}
        self.overflowed = 0
        """Requests that were counted under `(other)`."""
        self.sinks: Counter[tuple[str, str]] = Counter()
        """Texts checked at sinks, by (family, outcome); an outcome may be `unattributed`."""
        self.before_reading: Callable[[], None] = _nothing
        """Called before the numbers are read: for those who keep their own while they work."""
        self.log_failures: Counter[str] = Counter()
        """Failed writes, by file: `log` or `audit`."""
        self.log_lost: Counter[str] = Counter()
        """Lines that could not even be kept in memory, by file."""
        self.lines_dropped: Counter[str] = Counter()
        """Lines of the application that are not in the stream of events, by the reason."""
        self.trace_contexts_invalid = 0
        """`traceparent` and `tracestate` fields that were ignored."""
        self.websockets = 0
        """WebSocket connections that have ended."""
        self.started: Callable[[], int] = _none_started
        """Requests that this process has begun to serve: the integrations know."""
        self._routes: set[str] = set()
        self._rows = 0
        itself: weakref.ref[Tally] = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: _clear(itself))

    def row(self, status: int, route: str) -> Row:
        """The row of this status and route template, made at the first call.

        Fast path for callers: `tally.rows[status][route]`, and this where that is missing.
        """
        if not 100 <= status <= 999:
            status = 0
        rows = self.rows.get(status)
        if rows is None:
            rows = self.rows.setdefault(status, {})
        row = rows.get(route)
        if row is not None:
            return row
        unknown = route not in self._routes and len(self._routes) >= self.max_routes
        if unknown or self._rows >= _MAX_ROWS:
            self.overflowed += 1
            route = OTHER_ROUTE
        else:
            self._routes.add(route)
            self._rows += 1
        return rows.setdefault(route, Row())

    @property
    def finished(self) -> int:
        """Requests that were answered."""
        return sum(row.n for rows in list(self.rows.values()) for row in list(rows.values()))

    def clear(self) -> None:
        """Every number back to zero; rows stay the same objects."""
        for rows in self.rows.values():
            for row in rows.values():
                row.clear()
        self.overflowed = self.websockets = self.trace_contexts_invalid = 0
        self.sinks.clear()
        self.log_failures.clear()
        self.log_lost.clear()
        self.lines_dropped.clear()


def _clear(itself: weakref.ref[Tally]) -> None:
    here = itself()
    if here is not None:  # a child's numbers are its own: the parent still reports those before
        here.clear()


tally = Tally()
"""The tally of this process."""

"""Event logs added up: how many of what, how often, and how long requests took.

Exact, also where refusals were sampled: what `events_sampled` says was omitted is added. Memory
stays flat: each table has at most `MOST` rows, further ones are counted together as `(other)`, and
how many they are is said. Percentiles of times come from buckets that are 2 % wide, so they are at
most 1 % off; minimum and maximum are exact.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from stockade.core.events import CATALOGUE, Event
from stockade.tools.events.choice import Choice

__all__ = ["MOST", "OTHER", "Latency", "Statistics"]

MOST = 100_000
OTHER = "(other)"
_WIDTH = math.log(1.02)
_QUANTILES = (50, 95, 99)


class Latency:
    """How long the requests of one route took, in microseconds."""

    def __init__(self) -> None:
        self.count = 0
        self.least = math.inf
        self.most = 0
        self._buckets: Counter[int] = Counter()

    def add(self, microseconds: int) -> None:
        """One more request."""
        self.count += 1
        self.least = min(self.least, microseconds)
        self.most = max(self.most, microseconds)
        self._buckets[int(math.log(microseconds) / _WIDTH) if microseconds > 0 else -1] += 1

    def quantile(self, percent: float) -> float:
        """The time within which `percent` of the requests were answered; at most 1 % off."""
        wanted, below = math.ceil(self.count * percent / 100), 0
        for bucket in sorted(self._buckets):
            below += self._buckets[bucket]
            if below >= wanted:
                middle = math.exp((bucket + 0.5) * _WIDTH) if bucket >= 0 else 0.0
                return min(max(middle, self.least), float(self.most))
        return 0.0

    def summary(self) -> dict[str, float]:
        """In milliseconds."""
        found = {f"p{percent}": self.quantile(percent) / 1_000 for percent in _QUANTILES}
        extremes = {"min": self.least / 1_000, "max": self.most / 1_000}
        return {"requests": self.count} | {
            name: round(value, 3) for name, value in (found | extremes).items()
        }


class _Table:
    """A counter of at most `MOST` rows."""

    def __init__(self) -> None:
        self.rows: Counter[str] = Counter()
        self.overflowed = 0

    def add(self, key: str, count: int) -> None:
        if key not in self.rows and len(self.rows) >= MOST:
            self.overflowed += count
            key = OTHER
        self.rows[key] += count


class Statistics:
    """Adds events up."""

    def __init__(self, choice: Choice) -> None:
        """`choice` has chosen the events already; it is asked for what was only counted."""
        self.events = 0
        """Events that happened: those in the log, and those only counted."""
        self.omitted = 0
        """Of them, those that were counted and not written."""
        self.dropped: Counter[str] = Counter()
        """Events that were lost on the way to the log, by lane: they are in no other number."""
        self.first: datetime | None = None
        self.last: datetime | None = None
        self.tables = {name: _Table() for name in ("names", "outcomes", "rules", "routes")}
        self.clients = _Table()
        self.latencies: dict[str, Latency] = {}
        self._choice = choice

    def add(self, event: Event) -> None:
        """One event of the log, whether it was chosen or not."""
        if event.name == "events_sampled":
            self._add_omitted(event)
        if not self._choice.wants(event):
            return
        self._count(event.name, event.outcome, event.rule, event.resource, 1)
        if event.client:
            self.clients.add(event.client, 1)
        if self.first is None or event.time < self.first:
            self.first = event.time
        if self.last is None or event.time > self.last:
            self.last = event.time
        if event.name == "http_request":
            self._time(event.resource, event.details)
        elif event.name == "events_dropped":
            for lane, count in event.details.items():
                self.dropped[lane] += _number(count)

    def _add_omitted(self, event: Event) -> None:
        """What was counted in a window, as far as it would have been chosen one by one."""
        omitted = _number(event.details.get("omitted"))
        name = event.details.get("event")
        if not omitted or not isinstance(name, str):
            return
        # Of each that was omitted only these are known, so whoever asks for more gets none of them.
        one = Event(
            time=event.time,
            name=name,
            severity=CATALOGUE[name].severity if name in CATALOGUE else "",
            outcome=event.outcome,
            part="",
            resource=event.resource,
            # Access events have none; here it is the status.
            rule="" if name == "http_request" else event.rule,
        )
        if self._choice.wants(one):
            self.omitted += omitted
            self._count(name, one.outcome, one.rule, one.resource, omitted)

    def _count(self, name: str, outcome: str, rule: str, route: str, count: int) -> None:
        self.events += count
        self.tables["names"].add(name, count)
        self.tables["outcomes"].add(outcome, count)
        if rule:
            self.tables["rules"].add(rule, count)
        if route:
            self.tables["routes"].add(route, count)

    def _time(self, route: str, details: Mapping[str, Any]) -> None:
        took = _number(details.get("duration_us"), -1)
        if took < 0:
            return
        if route not in self.latencies and len(self.latencies) >= MOST:
            route = OTHER
        self.latencies.setdefault(route, Latency()).add(took)

    @property
    def seconds(self) -> float:
        """From the first event to the last."""
        if self.first is None or self.last is None:
            return 0.0
        return (self.last - self.first).total_seconds()

    def summary(self) -> dict[str, Any]:
        """All of it, for programs."""
        tables = {**self.tables, "clients": self.clients}
        rate = round(self.events / self.seconds, 3) if self.seconds > 0 else None
        return {
            "events": self.events,
            "omitted_by_sampling": self.omitted,
            "dropped": dict(self.dropped),
            "first": self.first,
            "last": self.last,
            "seconds": round(self.seconds, 6),
            "events_per_second": rate,
            **{name: dict(table.rows.most_common()) for name, table in tables.items()},
            "counted_as_other": {n: t.overflowed for n, t in tables.items() if t.overflowed},
            "latency_ms": {
                route: one.summary()
                for route, one in sorted(self.latencies.items(), key=lambda pair: -pair[1].count)
            },
        }


def _number(value: object, otherwise: int = 0) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    return otherwise

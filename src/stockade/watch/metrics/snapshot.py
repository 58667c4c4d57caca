"""The numbers of one process at one moment, and the sum of several.

Nothing here runs on a request's path: rows and counters are read when somebody asks.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterable, Iterator
from typing import TypeAlias

import msgspec

from stockade.core.bus import Bus
from stockade.core.events import Lane
from stockade.core.health import Condition, Health
from stockade.core.tally import BOUNDS, Reading, Readings, Tally
from stockade.core.version import VERSION
from stockade.watch.metrics.catalogue import METRICS

__all__ = ["Labels", "Row", "Snapshot", "Sums", "take"]

Labels: TypeAlias = tuple[str, ...]
Row: TypeAlias = tuple[int, int, tuple[int, ...]]
"""Requests, nanoseconds of all of them, and the histogram, one bucket more than `tally.BOUNDS`."""

OTHER = "(other)"
_MAX_SERIES = 10_000
_UNATTRIBUTED = "unattributed"
_FILES = ("audit", "log")
_started = time.time()


def _begin() -> None:
    global _started
    _started = time.time()


os.register_at_fork(after_in_child=_begin)


class Snapshot(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """What one process counted until `time` (seconds since 1970)."""

    time: float
    pid: int
    numbers: dict[str, list[tuple[Labels, int | float]]]
    rows: list[tuple[Labels, Row]]
    conditions: list[Condition]
    folded: list[str] = []
    """Of a base: processes that are in it already, whose files may still be there."""


def take(bus: Bus, tally: Tally, health: Health, readings: Iterable[Readings] = ()) -> Snapshot:
    """Read everything; `readings` are further sources, of metrics that the catalogue has.

    A source that raises is counted, and the others are still read.
    """
    conditions = list(health.report())
    numbers: dict[str, dict[Labels, int | float]] = {}
    failed = 0
    for source in (
        lambda: _requests(tally),
        lambda: _events(bus),
        lambda: _sinks(tally),
        lambda: _logs(tally),
        lambda: _health(conditions),
        _process,
        *readings,
    ):
        try:
            for name, labels, value in source():
                numbers.setdefault(name, {})[labels] = value
        except Exception:
            failed += 1
    if failed:
        numbers["readings_failed"] = {(): failed}
    return Snapshot(
        time.time(),
        os.getpid(),
        {name: list(values.items()) for name, values in numbers.items()},
        list(_rows(tally)),
        conditions,
    )


# list(dict.items()) is one step of the interpreter: nobody changes the size meanwhile.
def _rows(tally: Tally) -> Iterator[tuple[Labels, Row]]:
    for status, rows in sorted(tally.rows.copy().items()):
        for route, row in list(rows.items()):
            buckets = tuple(row.buckets)
            # Of what is counted while we read, the buckets alone are one consistent sum.
            yield (route, str(status)), (sum(buckets), row.nanoseconds, buckets)


def _requests(tally: Tally) -> Iterator[Reading]:
    yield "requests_route_overflow", (), tally.overflowed
    yield "websockets", (), tally.websockets
    yield "trace_contexts_invalid", (), tally.trace_contexts_invalid
    yield "trace_contexts_invalid", (), tally.trace_contexts_invalid
    finished = tally.finished  # first: what begins in between counts as in flight
    yield "requests_in_flight", (), max(0, tally.started() - finished - tally.websockets)


def _events(bus: Bus) -> Iterator[Reading]:
    counts = dict(list(bus.counts.items()))
    detections: dict[Labels, int] = {}
    for (name, outcome, rule), n in counts.items():
        yield "events", (name, str(outcome), rule), n
        if name == "detection_raised":
            detections[(rule,)] = detections.get((rule,), 0) + n
    for labels, n in detections.items():
        yield "detections", labels, n
    for name, n in bus.sampled_out.items():
        yield "events_sampled_out", (name,), n
    for lane in Lane:
        yield "events_dropped", (lane.value,), bus.dropped[lane.value]
        yield "queue_capacity_events", (lane.value,), bus.capacity
    for lane_name, n in bus.waiting.items():
        yield "queue_events", (lane_name,), n
    for who, n in list(bus.failures.items()):
        yield "subscriber_failures", (who,), n


def _sinks(tally: Tally) -> Iterator[Reading]:
    tally.before_reading()
    for (family, outcome), n in list(tally.sinks.items()):
        if outcome == _UNATTRIBUTED:
            yield "sink_unattributed", (family,), n
        else:
            yield "sinks_checked", (family, outcome), n


def _logs(tally: Tally) -> Iterator[Reading]:
    for file in dict.fromkeys((*_FILES, *list(tally.log_failures), *list(tally.log_lost))):
        yield "log_write_failures", (file,), tally.log_failures[file]
        yield "log_lines_lost", (file,), tally.log_lost[file]
    for reason, count in list(tally.lines_dropped.items()):
        yield "app_lines_dropped", (reason,), count


def _health(conditions: Iterable[Condition]) -> Iterator[Reading]:
    ready = 1
    for one in conditions:
        yield "defence_state", (one.defence, one.state.value), 1
        if one.required and one.state == "failed":
            ready = 0
    yield "ready", (), ready


def _process() -> Iterator[Reading]:
    yield "processes", (), 1
    yield "process_start_time_seconds", (), _started
    yield "build_info", (VERSION, platform.python_version()), 1


class Sums:
    """Several snapshots put together, each metric as the catalogue says."""

    def __init__(self) -> None:
        self.numbers: dict[str, dict[Labels, int | float]] = {}
        self.rows: dict[Labels, Row] = {}
        self.conditions: list[tuple[int, Condition]] = []
        """With the id of the process each belongs to."""

    def add(self, snapshot: Snapshot, *, live: bool) -> None:
        """Add what a process counted; of one that is no longer live, its gauges do not count.

        Raises ValueError, before anything is added, for what does not fit the catalogue.
        """
        for labels, (_, _, buckets) in snapshot.rows:
            if len(labels) != 2 or len(buckets) != len(BOUNDS) + 1:
                raise ValueError("rows of another shape")
        known = {name: values for name, values in snapshot.numbers.items() if name in METRICS}
        for name, values in known.items():
            if any(len(labels) != len(METRICS[name].labels) for labels, _ in values):
                raise ValueError("labels of another shape")
        for labels, row in snapshot.rows:
            self._add_row(labels, row)
        for name, values in known.items():
            if live or METRICS[name].kind == "counter":
                for labels, value in values:
                    self.count(name, labels, value)
        if live:
            self.conditions += [(snapshot.pid, one) for one in snapshot.conditions]

    def count(self, name: str, labels: Labels, value: float) -> None:
        """Put one value to what there is."""
        series = self.numbers.setdefault(name, {})
        if labels not in series:
            if len(series) >= _MAX_SERIES:
                labels = (OTHER,) * len(labels)
            if labels not in series:
                series[labels] = value
                return
        merge = METRICS[name].merge
        before = series[labels]
        series[labels] = (
            before + value if merge == "sum" else (min if merge == "min" else max)(before, value)
        )

    def _add_row(self, labels: Labels, row: Row) -> None:
        if labels not in self.rows and len(self.rows) >= _MAX_SERIES:
            labels = (OTHER, labels[1])
        n, nanoseconds, buckets = self.rows.get(labels, (0, 0, (0,) * len(row[2])))
        together = tuple(a + b for a, b in zip(buckets, row[2], strict=True))
        self.rows[labels] = (n + row[0], nanoseconds + row[1], together)

    def counters(self) -> dict[str, list[tuple[Labels, int | float]]]:
        """What outlives the processes."""
        return {
            name: list(series.items())
            for name, series in self.numbers.items()
            if METRICS[name].kind == "counter"
        }

"""What a line of the log costs, and an event on a request's path.

A line has ten fields of the application's beside time and level, and is searched for fifty live
secrets. What others write has the same fields, and is searched for nothing.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from statistics import median, quantiles
from types import MappingProxyType

import msgspec

from benchmarks import log_libraries
from benchmarks.audit import audit, proof
from benchmarks.claim import Measured
from benchmarks.cost import Cost, calls, same
from benchmarks.rounds import turn_about
from stockade.core.bus import Bus, emit
from stockade.core.bus import bus as process_bus
from stockade.core.context import RequestContext, running
from stockade.core.events import CATALOGUE, Event, Outcome, now
from stockade.secrets.live import spellings
from stockade.watch.log import JsonLog

__all__ = ["audit", "lines", "proof", "publish", "vs_structlog"]

NOWHERE = os.devnull
_ROUNDS = 21
_LINES = 10 * 220
_LIVE = 50
_EVENTS = 5_000_000
_GROWTH = 8 << 20
"""Bytes that a process may have more after five million events: allocators are no clockwork."""


class _Secrets:
    """Fifty of them, in all their spellings."""

    def __init__(self) -> None:
        values = {spelling for _ in range(_LIVE) for spelling in spellings(secrets.token_hex(16))}
        self._values = tuple(sorted(values))

    def values(self) -> tuple[str, ...]:
        return self._values


SECRETS = _Secrets()


def event() -> Event:
    """An event with the ten fields."""
    return Event(
        time=now(),
        name="authn_login_fail",
        severity="warn",
        outcome="blocked",
        part="access",
        request_id="01J9Z5M0V8Q4T3S7",
        client="203.0.113.7",
        principal="fp:4be1f0c2a9d3",
        resource="/api/v2/auth/{tenant}",
        reason="The password is wrong.",
        rule="access.signin",
        details={"method": "POST", "status": 401, "host": "api-1"},
    )


def lines(effort: int) -> Measured:
    """Lines a second, from making the event to the write; bare is the writing of a made object."""
    with _log() as log, open(NOWHERE, "wb", buffering=0) as file:
        write, encode = file.write, msgspec.json.Encoder().encode

        def ours() -> float:
            started = time.process_time_ns()
            for _ in range(_LINES // 220):
                log([event() for _ in range(220)])
            return _each(started)

        def bare() -> float:
            started = time.process_time_ns()
            for _ in range(_LINES):
                write(encode(log_libraries.FIELDS) + b"\n")
            return _each(started)

        pairs = turn_about(bare, ours, _ROUNDS * effort)
    speeds = [(1e6 / bare_cost, 1e6 / our_cost) for bare_cost, our_cost in pairs]
    peers = {
        name: 1e6 / min(cost() for _ in range(3 * effort))
        for name, cost in log_libraries.costs(_LINES)
    }
    if effort > 1:
        peers["MB more after five million events"] = _growth() / 1e6
    return _summary(speeds, [speed for _, speed in speeds], peers)


def vs_structlog(effort: int) -> Measured:
    """How many times our cost structlog's is, from the call to the written line."""
    bus = Bus(interval=3_600.0)  # drained here, where its cost is measured
    with _log() as log, log_libraries.structlog() as (structlog, _):
        bus.subscribe(log)

        def ours() -> float:
            started = time.process_time_ns()
            for _ in range(_LINES):
                bus.publish(event())
            bus.flush()
            return _each(started)

        def theirs() -> float:
            started = time.process_time_ns()
            for _ in range(_LINES):
                structlog()
            return _each(started)

        pairs = turn_about(ours, theirs, _ROUNDS * effort)
    return _summary(pairs, [other / our for our, other in pairs])


def publish(effort: int) -> Measured:
    """Telling an event on a request's path, log and metrics attached; bare is making it."""
    from stockade.watch.metrics import Counts

    counts = Counts()
    with _log() as log, running(RequestContext("r-1", "192.0.2.1")):
        process_bus.subscribe(log)

        def tell(number: int) -> None:
            emit(
                "sink_unattributed",
                Outcome.OBSERVED,
                "benchmark",
                "A sink was called outside any request.",
                rule="sql.unattributed",
                family="sql",
                number=number,
            )

        def make(number: int) -> Event:
            return Event(
                time=now(),
                name="sink_unattributed",
                severity=CATALOGUE["sink_unattributed"].severity,
                outcome=Outcome.OBSERVED,
                part="benchmark",
                reason="A sink was called outside any request.",
                rule="sql.unattributed",
                details={"family": "sql", "number": number},
            )

        def told() -> float:
            cost = telling()
            process_bus.flush()
            return cost

        telling: Cost = calls(tell, same(7, 1_000))
        pairs = turn_about(calls(make, same(7, 1_000)), told, 3 * _ROUNDS * effort)
        process_bus.unsubscribe(log)
        assert any(name == "events" for name in counts.read().numbers)
    return _summary(pairs, [cost for _, cost in pairs])


def _summary(
    pairs: list[tuple[float, float]],
    values: list[float],
    peers: Mapping[str, float] = MappingProxyType({}),
) -> Measured:
    low, _, high = quantiles(values, n=4)
    return Measured(median(values), median(bare for bare, _ in pairs), high - low, peers)


def _each(started: int) -> float:
    return (time.process_time_ns() - started) / _LINES / 1_000


@contextmanager
def _log() -> Iterator[JsonLog]:
    log = JsonLog(NOWHERE, secrets=SECRETS)
    yield log
    assert log.failures == log.lost == 0
    log.close()


def _growth() -> int:
    """How many bytes the process has more after five million events than after the first tenth."""
    bus = Bus(interval=3_600.0)
    with _log() as log:
        bus.subscribe(log)
        before = 0
        for number in range(_EVENTS // _LINES):
            for _ in range(_LINES):
                bus.publish(event())
            bus.flush()
            if number == _EVENTS // _LINES // 10:
                before = _resident()
    growth = max(0, _resident() - before)
    assert growth < _GROWTH, f"five million events left {growth} bytes behind"
    return growth


def _resident() -> int:
    """Bytes of this process in memory."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

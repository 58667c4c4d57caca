"""How the event stream and the files it goes to are doing: probes for `core.health`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stockade.core.bus import Bus
from stockade.core.health import OK, Grown, Probe, State, Verdict
from stockade.core.tally import Reading
from stockade.watch.appender import Appender
from stockade.watch.audit.log import AuditTrail

__all__ = [
    "audit_probe",
    "audit_readings",
    "bus_probe",
    "file_probe",
    "file_readings",
    "receivers_probe",
]

_HANGS_SECONDS = 5.0


def bus_probe(bus: Bus) -> Probe:
    """Failed while events cannot be handed out at all; degraded while a receiver holds them up."""

    def probe() -> Verdict:
        if max(bus.waiting.values()) >= bus.capacity:
            return Verdict(State.DEGRADED, "The queue is full; events are dropped and counted.")
        if bus.hangs > _HANGS_SECONDS:
            return Verdict(State.DEGRADED, "A receiver of events does not return; events wait.")
        if sum(bus.waiting.values()) and not bus.thread_alive:
            return Verdict(State.FAILED, "No thread hands events out; only the audit log has them.")
        return OK

    return probe


def receivers_probe(bus: Bus) -> Probe:
    """Degraded for as long as receivers crash on what they are handed."""
    crashes = Grown()

    def probe() -> Verdict:
        if crashes(sum(bus.failures.values())):
            return Verdict(State.DEGRADED, "A receiver of events crashes.")
        return OK

    return probe


def file_probe(file: Appender) -> Probe:
    """Degraded while its lines wait in memory, failed once some of them were lost there."""
    loses = Grown()

    def probe() -> Verdict:
        if loses(file.lost):
            return Verdict(State.FAILED, "It cannot be written, and lines are lost.")
        if file.waiting:
            return Verdict(State.DEGRADED, "It cannot be written; its lines wait in memory.")
        return OK

    return probe


def file_readings(files: Iterable[Appender]) -> Iterator[Reading]:
    """How many lines wait, by file."""
    for file in files:
        yield "log_lines_waiting", (file.kind,), file.waiting


def audit_probe(trail: AuditTrail) -> Probe:
    """Failed while nothing is signed, or entries are lost; degraded while they wait in memory."""
    spool = file_probe(trail.file)

    def probe() -> Verdict:
        if trail.teller.failing:
            return Verdict(State.FAILED, "It cannot be continued; entries wait in its spool.")
        return spool()

    return probe


def audit_readings(trail: AuditTrail) -> Iterator[Reading]:
    """What is signed, and what is not yet."""
    yield "audit_unacknowledged", (), trail.unacknowledged
    if trail.sequencer.last is not None:
        yield "audit_entries", (), trail.sequencer.last.checkpoint.size

from __future__ import annotations

import errno
from collections.abc import Iterator

import pytest

from stockade.core.bus import bus
from stockade.core.errors import AuditError
from stockade.core.events import Event
from stockade.watch.alert import AlertLine
from stockade.watch.audit.checkpoint import Checkpoint
from stockade.watch.audit.note import Note, VerifierKey
from stockade.watch.audit.recovery import Signed
from stockade.watch.audit.telling import Teller


@pytest.fixture
def heard() -> Iterator[list[Event]]:
    events: list[Event] = []
    bus.flush()  # what earlier tests left
    bus.subscribe(events.extend)
    yield events
    bus.unsubscribe(events.extend)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def signed(size: int) -> Signed:
    checkpoint = Checkpoint("origin", size, bytes(32))
    return Signed(Note(checkpoint.text(), ()), checkpoint, VerifierKey("origin", bytes(32)))


def test_failures_are_told_at_once_and_then_once_a_minute(
    heard: list[Event], capsys: pytest.CaptureFixture[str]
) -> None:
    clock = Clock()
    teller = Teller("audit", seconds=60.0, clock=clock)
    full = OSError(errno.ENOSPC, "No space left on device")
    told = []
    for clock.now, error in (
        (0.0, full),
        (1.0, full),
        (2.0, AuditError("rolled back")),
        (63.0, full),
    ):
        teller.fails(error, 7)
        told.append(len(capsys.readouterr().err.splitlines()))
    assert told == [1, 0, 1, 1]
    teller.works()
    teller.works()
    assert capsys.readouterr().err.count("signed again") == 1
    bus.flush()
    names = [(one.name, one.rule) for one in heard if one.rule.startswith("audit.")]
    assert names == [("defence_failed", "audit.sequencer")] * 3 + [
        ("defence_recovered", "audit.sequencer")
    ]


def test_checkpoints_are_told_each_minute_and_alerted_each_hour(heard: list[Event]) -> None:
    clock, lines = Clock(), list[str]()
    teller = Teller("audit", seconds=60.0, clock=clock)
    for minute in range(125):
        clock.now = 60.0 * minute
        teller.checkpoint(signed(minute))
        teller.checkpoint(signed(minute))
        clock.now += 30.0
        teller.checkpoint(signed(minute + 1))
    teller.checkpoint(None)
    bus.flush()
    AlertLine(write=lines.append)(heard)
    told = [one for one in heard if one.name == "audit_checkpoint"]
    assert len(told) == 125
    assert len(lines) == 2
    assert lines[0].startswith("audit log checkpoint, keep it: origin\\n60\\n")


def test_the_last_one_is_told_in_any_case(heard: list[Event]) -> None:
    teller = Teller("audit", seconds=60.0, clock=Clock())
    teller.checkpoint(signed(1))
    teller.checkpoint(signed(2), last=True)
    teller.checkpoint(signed(2), last=True)
    bus.flush()
    assert [one.details["size"] for one in heard if one.name == "audit_checkpoint"] == [1, 2]

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from stockade.core.bus import Bus
from stockade.core.events import Event, now
from stockade.core.health import OK, State
from stockade.watch.appender import Appender
from stockade.watch.condition import bus_probe, file_probe, file_readings, receivers_probe


def event() -> Event:
    return Event(time=now(), name="sink_checked", severity="info", outcome="allowed", part="t")


def test_a_receiver_that_does_not_return_degrades_the_bus_and_its_return_mends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("stockade.watch.condition._HANGS_SECONDS", 0.05)
    bus, go, begun = Bus(interval=0.001), threading.Event(), threading.Event()

    def hangs(events: Sequence[Event]) -> None:
        begun.set()
        go.wait(20)

    bus.subscribe(hangs)
    look = bus_probe(bus)
    assert look() == OK
    bus.publish(event())
    assert begun.wait(10)
    threading.Event().wait(0.1)
    assert look().state is State.DEGRADED
    go.set()
    bus.flush()
    assert look() == OK


def test_a_full_queue_degrades_the_bus() -> None:
    bus = Bus(capacity=2, interval=60)
    for _ in range(3):
        bus.publish(event())
    assert bus_probe(bus)().state is State.DEGRADED
    bus.flush()
    assert bus_probe(bus)() == OK


def test_without_a_thread_events_that_wait_are_a_failed_bus(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bus = Bus(interval=60)
    monkeypatch.setattr(bus, "arm", lambda: None)
    bus.publish(event())
    assert bus_probe(bus)().state is State.FAILED


def test_a_receiver_that_crashes_degrades() -> None:
    bus = Bus(interval=60)

    def crashes(events: Sequence[Event]) -> None:
        raise ValueError

    look = receivers_probe(bus)
    assert look() == OK
    bus.subscribe(crashes)
    bus.publish(event())
    bus.flush()
    assert look().state is State.DEGRADED


def test_a_file_that_cannot_be_written_degrades_then_fails_then_recovers(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.mkdir()  # a folder stands where the file should be
    file = Appender(path, kind="log", keep_lines=2)
    look = file_probe(file)
    assert look() == OK
    file.append(b"one\n")
    assert look().state is State.DEGRADED
    assert list(file_readings([file])) == [("log_lines_waiting", ("log",), 1)]
    file.append(b"two\nthree\n")
    assert look().state is State.FAILED
    path.rmdir()
    file.append(b"four\n")
    assert list(file_readings([file])) == [("log_lines_waiting", ("log",), 0)]
    file.close()

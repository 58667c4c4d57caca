from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stockade.core.events import Event
from stockade.crypto import Keyring
from stockade.watch.audit.calendar import Calendar
from stockade.watch.audit.log import AuditTrail
from stockade.watch.audit.reading import entries
from stockade.watch.audit.retention import first_bundle
from stockade.watch.audit.storage import Directory
from tests.watch.audit.logs import event, findings

START = datetime(2019, 1, 1, tzinfo=UTC)


def dated(day: int) -> Event:
    one = event(day)
    one.time = START + timedelta(days=day)
    return one


@pytest.fixture
def trail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AuditTrail:
    monkeypatch.setattr("stockade.watch.audit.markers.now", lambda: START)
    trail = AuditTrail(tmp_path / "audit", signer=Keyring.ephemeral().log_signer, seconds=0.01)
    for start in range(0, 1_000, 100):
        trail.extend([dated(day) for day in range(start, start + 100)])
        assert trail.wait_durable()
    return trail


def test_old_entries_go_and_every_kept_checkpoint_still_holds(
    trail: AuditTrail, tmp_path: Path
) -> None:
    assert trail.sequencer.last is not None
    kept = [trail.sequencer.last.note]
    log = tmp_path / "audit" / "log"
    minimum = trail.prune(START + timedelta(days=600))
    assert minimum == 512
    assert first_bundle(Directory(log)) == 2
    trail.append(event("after"))
    trail.close()
    assert trail.sequencer.last is not None
    kept.append(trail.sequencer.last.note)
    assert findings(log, kept) == []
    numbers = [json.loads(entry)["request_id"] for entry in entries(tmp_path / "audit")]
    assert "500" not in numbers
    assert "600" in numbers
    assert b'"request_id":"500"' not in b"".join(
        path.read_bytes() for path in (tmp_path / "audit").rglob("*") if path.is_file()
    )


def test_bundles_that_somebody_else_took_are_a_finding(trail: AuditTrail, tmp_path: Path) -> None:
    log = tmp_path / "audit" / "log"
    trail.prune(START + timedelta(days=300))
    trail.close()
    assert findings(log) == []
    (log / "tile" / "entries" / "001").unlink()
    assert any("does not say that they were removed" in one for one in findings(log))


def test_nothing_is_removed_twice_and_nothing_young(trail: AuditTrail) -> None:
    assert trail.prune(START) == 0
    assert trail.prune(START + timedelta(days=300)) == 256
    assert trail.prune(START + timedelta(days=300)) == 0
    trail.close()


class Hands:
    """A clock that a test turns, and a date that follows it, or does not."""

    def __init__(self) -> None:
        self.seconds, self.jumped = 0.0, timedelta()

    def clock(self) -> float:
        return self.seconds

    def date(self) -> datetime:
        return START + timedelta(days=1_000, seconds=self.seconds) + self.jumped


def hours(number: int, hands: Hands, trail: AuditTrail) -> None:
    for _ in range(number):
        hands.seconds += 3_600.0
        trail._turn()


def kept_by_itself(tmp_path: Path, hands: Hands, days: float) -> AuditTrail:
    """A log of 300 entries of a thousand days ago; its thread sleeps, and a test takes its turns."""
    trail = AuditTrail(
        tmp_path / "audit",
        signer=Keyring.ephemeral().log_signer,
        seconds=3_600.0,
        days=days,
        clock=hands.clock,
    )
    trail._calendar = Calendar(hands.clock, hands.date)
    trail.extend([dated(0) for _ in range(300)])
    trail._turn()
    return trail


def test_the_log_removes_what_is_too_old_by_itself(tmp_path: Path) -> None:
    hands = Hands()
    trail = kept_by_itself(tmp_path, hands, days=999.0)
    log = Directory(tmp_path / "audit" / "log")
    assert first_bundle(log) == 0  # the first look at a clock proves nothing
    hours(1, hands, trail)
    assert first_bundle(log) == 1
    trail.close()
    assert findings(tmp_path / "audit" / "log") == []


def test_a_clock_that_jumps_for_a_moment_costs_no_entry(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hands = Hands()
    trail = kept_by_itself(tmp_path, hands, days=1_100.0)
    log = Directory(tmp_path / "audit" / "log")
    for jumped in (400, 400, 0):
        hands.jumped = timedelta(days=jumped)
        hours(1, hands, trail)
    assert "the clock jumped" in capsys.readouterr().err
    hours(48, hands, trail)  # quiet ones
    assert first_bundle(log) == 0
    hands.jumped = timedelta(days=400)  # a clock that stays so is believed in the end
    hours(26, hands, trail)
    assert first_bundle(log) == 1
    trail.close()


def test_a_date_that_has_not_come_keeps_nothing_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stockade.watch.audit.markers.now", lambda: START)
    trail = AuditTrail(tmp_path / "audit", signer=Keyring.ephemeral().log_signer, seconds=0.01)
    trail.extend([dated(0) for _ in range(100)])
    trail.append(dated(100_000))
    trail.extend([dated(1) for _ in range(300)])
    assert trail.wait_durable()
    assert trail.prune(START + timedelta(days=10)) == 256
    trail.close()


def test_bundles_of_a_time_when_the_clock_was_wrong_go_with_what_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stockade.watch.audit.markers.now", lambda: START)
    trail = AuditTrail(tmp_path / "audit", signer=Keyring.ephemeral().log_signer, seconds=0.01)
    trail.extend([dated(100_000) for _ in range(600)])
    assert trail.wait_durable()
    assert trail.prune(START + timedelta(days=10)) == 0  # nothing says yet how old they are
    trail.extend([dated(1) for _ in range(500)])
    trail.extend([dated(50) for _ in range(300)])
    assert trail.wait_durable()
    assert trail.prune(START + timedelta(days=10)) == 1_024
    trail.close()
    assert findings(tmp_path / "audit" / "log") == []


def test_what_a_crash_left_of_a_bundle_goes_with_it(trail: AuditTrail, tmp_path: Path) -> None:
    """The folder of when it was not full yet: its entries would stay, and stop the next removal."""
    left = tmp_path / "audit" / "log" / "tile" / "entries" / "001.p"
    assert trail.prune(START + timedelta(days=300)) == 256
    left.mkdir()
    (left / "7").write_bytes(b"seven entries")
    assert trail.prune(START + timedelta(days=600)) == 512
    assert not left.exists()
    assert trail.prune(START + timedelta(days=900)) == 768
    trail.close()


def test_what_cannot_be_removed_is_told_and_the_log_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, events: list[Event]
) -> None:
    def fails(names: Iterable[str]) -> None:
        if "tile/entries/000" in set(names):
            raise PermissionError(13, "Permission denied")

    hands = Hands()
    trail = kept_by_itself(tmp_path, hands, days=999.0)
    monkeypatch.setattr(trail.sequencer.storage, "remove", fails)
    hours(1, hands, trail)
    assert "audit.retention" in [one.rule for one in events if one.name == "defence_failed"]
    assert trail.written
    trail.close()


@pytest.mark.parametrize("bundle", [0, 7, 999, 1_000, 1_234, 1_234_067])
def test_the_first_bundle_is_found_at_any_depth(tmp_path: Path, bundle: int) -> None:
    from stockade.watch.audit.tiles import entries_path

    storage = Directory(tmp_path)
    for index in (bundle, bundle + 1, bundle + 2_000):
        storage.write(entries_path(index), b"")
    storage.write(entries_path(bundle + 3, 7), b"")
    (tmp_path / "tile" / "entries" / "x000").mkdir(exist_ok=True)  # nothing is left in there
    assert first_bundle(storage) == bundle


def test_the_first_bundle_is_the_first_whatever_lies_deeper(tmp_path: Path) -> None:
    storage = Directory(tmp_path)
    storage.write("tile/entries/x001/x234/067", b"")  # 1,234,067
    storage.write("tile/entries/x002/000", b"")
    assert first_bundle(storage) == 2_000

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stockade.core.events import Event
from stockade.crypto import Keyring
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


def test_the_log_removes_what_is_too_old_by_itself(tmp_path: Path) -> None:
    trail = AuditTrail(
        tmp_path / "audit", signer=Keyring.ephemeral().log_signer, seconds=0.01, days=1.0
    )
    trail.extend([dated(-2_000) for _ in range(300)])
    assert trail.wait_durable()
    trail._next_removal = 0.0
    trail.append(event("young"))
    assert trail.wait_durable()
    trail.close()
    assert first_bundle(Directory(tmp_path / "audit" / "log")) in (0, 1)
    assert findings(tmp_path / "audit" / "log") == []


@pytest.mark.parametrize("bundle", [0, 7, 999, 1_000, 1_234, 1_234_067])
def test_the_first_bundle_is_found_at_any_depth(tmp_path: Path, bundle: int) -> None:
    from stockade.watch.audit.tiles import entries_path

    storage = Directory(tmp_path)
    for index in (bundle, bundle + 1, bundle + 2_000):
        storage.write(entries_path(index), b"")
    storage.write(entries_path(bundle + 3, 7), b"")
    assert first_bundle(storage) == bundle

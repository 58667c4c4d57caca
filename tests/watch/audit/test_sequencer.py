"""It goes on only from what was signed, whatever lies on the disk."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from stockade.core.errors import AuditError
from stockade.core.events import Event
from stockade.crypto import Keyring
from stockade.watch.audit import sequencer as module
from stockade.watch.audit.log import AuditTrail
from stockade.watch.audit.note import Note
from stockade.watch.audit.reading import entries
from stockade.watch.audit.sequencer import Sequencer
from stockade.watch.audit.spool import Spool
from tests.watch.audit.logs import event, findings


class Worker:
    """A spool and a sequencer without a thread: a turn is a call."""

    def __init__(self, folder: Path, keyring: Keyring, origin: str = "") -> None:
        from stockade.core.events import encode_line

        self.folder = folder
        self.spool = Spool(folder / "spool", lambda: 0)
        self._line: Callable[[Event], bytes] = encode_line
        self.sequencer = Sequencer(
            folder, keyring.log_signer, lambda one: self.spool.append(encode_line(one)),
            origin=origin,
        )  # fmt: skip

    def log(self, *numbers: object) -> Note:
        for number in numbers:
            assert self.spool.append(self._line(event(number)))
        assert self.sequencer.turn()
        assert self.sequencer.last is not None
        return self.sequencer.last.note


@pytest.fixture
def keyring() -> Keyring:
    return Keyring.ephemeral()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "audit"


def copied(folder: Path) -> Path:
    copy = folder.with_name("copy")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy)
    return copy


def put_back(folder: Path, copy: Path) -> None:
    shutil.rmtree(folder)
    shutil.copytree(copy, folder)


def test_a_roll_back_below_a_running_service_is_refused(folder: Path, keyring: Keyring) -> None:
    worker = Worker(folder, keyring)
    worker.log(*range(10))
    copy = copied(folder)
    kept = worker.log(*range(10, 300))
    put_back(folder, copy)
    with pytest.raises(AuditError, match="rolled it back"):
        worker.log("after")
    # A process that starts now cannot know; whoever kept the checkpoint does.
    Worker(folder, keyring).log("after")
    assert findings(folder / "log") == []
    assert findings(folder / "log", [kept])


def test_a_fork_by_another_holder_of_the_key_is_refused(folder: Path, keyring: Keyring) -> None:
    worker = Worker(folder, keyring)
    worker.log(*range(10))
    copy = copied(folder)
    worker.log("ours")
    put_back(folder, copy)
    Worker(folder, keyring).log(*range(100, 400))
    with pytest.raises(AuditError, match="does not extend"):
        worker.log("after")


def test_two_workers_take_turns(folder: Path, keyring: Keyring) -> None:
    first, second = Worker(folder, keyring), Worker(folder, keyring)
    kept = []
    for number in range(6):
        kept.append(first.log(*(f"a{number}-{n}" for n in range(100))))
        kept.append(second.log(*(f"b{number}-{n}" for n in range(77))))
    assert findings(folder / "log", kept) == []
    assert len(list(entries(folder))) == 6 * 177 + 1


@pytest.mark.parametrize("name", ["checkpoint", "tile"])
def test_what_a_power_cut_takes_is_computed_again(
    folder: Path, keyring: Keyring, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    worker = Worker(folder, keyring)
    worker.log(*range(10))
    settled = copied(folder)
    monkeypatch.setattr(module, "SETTLE_BATCHES", 1_000)
    kept = [worker.log(*range(10 + 40 * n, 50 + 40 * n)) for n in range(10)]
    # The spool was synced; of the rest the disk has only what was settled.
    shutil.rmtree(folder / "log")
    shutil.copytree(settled / "log", folder / "log")
    if name == "tile":  # the checkpoint got there, and the tiles did not
        (folder / "log" / "checkpoint").write_bytes(kept[-1].encode())
    again = Worker(folder, keyring)
    kept.append(again.log("after"))
    assert findings(folder / "log", kept) == []
    assert again.sequencer.recovered == (1 if name == "tile" else 0)
    assert len(list(entries(folder))) == 1 + 10 + 400 + 1


@pytest.mark.parametrize("damage", [b"", b"garbage", None])
def test_a_damaged_checkpoint_is_found_from_the_anchor(
    folder: Path, keyring: Keyring, monkeypatch: pytest.MonkeyPatch, damage: bytes | None
) -> None:
    worker = Worker(folder, keyring)
    worker.log(*range(10))
    monkeypatch.setattr(module, "SETTLE_BATCHES", 1_000)
    kept = worker.log(*range(10, 400))
    path = folder / "log" / "checkpoint"
    path.unlink() if damage is None else path.write_bytes(damage)
    with pytest.raises(AuditError, match="gone or is none"):
        worker.log("the running one knows better")
    Worker(folder, keyring).log("after")
    assert findings(folder / "log", [kept]) == []


def test_a_spool_that_was_changed_after_it_was_signed_is_refused(
    folder: Path, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = Worker(folder, keyring)
    worker.log(*range(10))
    settled = copied(folder)
    monkeypatch.setattr(module, "SETTLE_BATCHES", 1_000)
    worker.log(*range(10, 100))
    checkpoint = (folder / "log" / "checkpoint").read_bytes()
    shutil.rmtree(folder / "log")
    shutil.copytree(settled / "log", folder / "log")
    (folder / "log" / "checkpoint").write_bytes(checkpoint)
    [segment] = (folder / "spool").glob("*.jsonl")
    before, _, after = segment.read_bytes().rpartition(b"blocked")
    segment.write_bytes(before + b"allowed" + after)
    with pytest.raises(AuditError, match="spool is not what was signed"):
        Worker(folder, keyring).log("after")


def test_tiles_that_were_edited_are_not_continued(folder: Path, keyring: Keyring) -> None:
    worker = Worker(folder, keyring)
    worker.log(*range(600))
    worker.sequencer.finish()  # the spool is empty: nothing can be computed again
    path = folder / "log" / "tile" / "0" / "002.p" / "89"
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])
    with pytest.raises(AuditError, match="not those that were signed"):
        Worker(folder, keyring).log("after")


def test_another_keyring_is_refused(folder: Path, keyring: Keyring) -> None:
    Worker(folder, keyring).log(1)
    with pytest.raises(AuditError, match="by no key of this keyring"):
        Worker(folder, Keyring.ephemeral()).log(2)


def test_another_origin_is_refused(folder: Path, keyring: Keyring) -> None:
    Worker(folder, keyring, "clinic.example/audit").log(1)
    assert findings(folder / "log") == []
    with pytest.raises(AuditError, match="another origin"):
        Worker(folder, keyring, "other.example/audit").log(2)


def test_a_new_key_is_vouched_for_by_the_old_one(folder: Path, keyring: Keyring) -> None:
    worker = Worker(folder, keyring)
    kept = [worker.log(1)]
    for number in range(3):
        keyring.rotate("sign")
        kept.append(worker.log(number))
    assert findings(folder / "log", kept) == []
    changes = [json.loads(one) for one in entries(folder) if b"audit_key_changed" in one]
    assert len(changes) == 3
    assert all(one["details"]["vouched"] for one in changes)


def test_a_key_withdrawn_before_it_could_vouch_is_a_finding_without_the_new_one(
    folder: Path, keyring: Keyring
) -> None:
    worker = Worker(folder, keyring)
    worker.log(1)
    old = next(key.id for key in keyring.inventory() if key.purpose == "sign")
    keyring.rotate("sign")
    keyring.deactivate(old)
    worker.log(2)
    assert any("not vouched for" in one for one in findings(folder / "log"))
    assert worker.sequencer.last is not None
    assert findings(folder / "log", (), [worker.sequencer.last.key]) == []


def test_a_rotation_is_noticed_without_an_entry(folder: Path, keyring: Keyring) -> None:
    worker = Worker(folder, keyring)
    worker.log(1)
    assert not worker.sequencer.waits
    keyring.rotate("sign")
    assert worker.sequencer.waits


def test_the_spool_does_not_grow_for_ever(
    folder: Path, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SEAL_BYTES", 20_000)
    monkeypatch.setattr(module, "SETTLE_BATCHES", 2)
    worker, other = Worker(folder, keyring), Worker(folder, keyring)
    kept = []
    for number in range(60):
        kept.append(worker.log(*(f"a{number}-{n}" for n in range(20))))
        other.spool.append(b'{"name":"x","request_id":"other"}\n')
    assert sum(one.stat().st_size for one in (folder / "spool").iterdir()) < 60_000
    worker.log("last")
    assert len([one for one in entries(folder) if b'"other"' in one]) == 60
    assert findings(folder / "log", kept) == []


def test_partial_tiles_are_removed_once_the_full_one_is_settled(
    folder: Path, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SETTLE_BATCHES", 8)
    worker = Worker(folder, keyring)
    for number in range(100):
        worker.log(*(f"{number}-{n}" for n in range(6)))
    entries_folder = folder / "log" / "tile" / "entries"
    assert (entries_folder / "000").is_file()
    assert not (entries_folder / "000.p").exists()
    assert (entries_folder / "002.p").is_dir()


def test_tiles_without_a_checkpoint_are_not_written_over(
    folder: Path, keyring: Keyring, capsys: pytest.CaptureFixture[str]
) -> None:
    worker = Worker(folder, keyring)
    worker.log(*range(300))
    worker.sequencer.finish()
    for path in (folder / "log" / "checkpoint", folder / "anchor"):
        path.unlink()
    shutil.rmtree(folder / "spool")
    trail = AuditTrail(folder, signer=keyring.log_signer, seconds=60.0)
    trail.append(event("after"))
    assert trail.file.waiting >= 1  # its thread may wait with an entry of its own already
    assert "tiles and no checkpoint" in capsys.readouterr().err
    trail.close()


@pytest.mark.parametrize("settled_at", [10, 200])
def test_a_log_from_a_backup_is_not_continued_under_the_same_name(
    folder: Path, keyring: Keyring, settled_at: int
) -> None:
    worker = Worker(folder, keyring)
    worker.log(*range(10))
    backup = copied(folder)
    kept = [worker.log(*range(10, settled_at))] if settled_at > 10 else []
    worker.sequencer.finish()
    before = (folder / "log" / "checkpoint").read_bytes()
    if kept:
        shutil.rmtree(folder / "log")
        shutil.copytree(backup / "log", folder / "log")
    again = Worker(folder, keyring)
    if not kept:  # nothing was brought back: it goes on
        again.log("after")
        return
    restored = (folder / "log" / "checkpoint").read_bytes()
    assert restored != before
    with pytest.raises(AuditError, match="older than what was signed last"):
        again.log("after")
    assert (folder / "log" / "checkpoint").read_bytes() == restored


def test_a_power_cut_that_took_a_tile_below_is_no_backup(
    folder: Path, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is missing is no reason to refuse: the spool still has it."""
    worker = Worker(folder, keyring)
    worker.log(*range(10))
    monkeypatch.setattr(module, "SETTLE_BATCHES", 1_000)
    kept = [worker.log(*range(10, 600))]
    (folder / "log" / "tile" / "0" / "000").unlink()
    again = Worker(folder, keyring)
    kept.append(again.log("after"))
    assert again.sequencer.recovered == 1
    assert findings(folder / "log", kept) == []


def test_a_fork_of_what_outlives_power_cuts_is_not_continued(
    folder: Path, keyring: Keyring
) -> None:
    worker = Worker(folder, keyring)
    worker.log(*range(10))
    fork = copied(folder)
    worker.log(*range(10, 300))
    worker.sequencer.finish()
    other = Worker(fork, keyring)
    other.log(*range(1_000, 1_900))
    other.sequencer.finish()
    shutil.rmtree(folder / "log")
    shutil.copytree(fork / "log", folder / "log")
    shutil.rmtree(folder / "spool")
    with pytest.raises(AuditError, match="does not extend"):
        Worker(folder, keyring).log("after")

"""What `AuditTrail` promises: spooled when `append` returns, durable when it says so, loud and open."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stockade.core.bus import bus
from stockade.core.events import Event, now
from stockade.core.ports import AuditLog
from stockade.crypto import Keyring
from stockade.watch.audit import tiles
from stockade.watch.audit.log import AuditTrail
from stockade.watch.audit.reading import entries
from tests.watch.audit.logs import event, fill, findings

Open = Callable[..., AuditTrail]


@pytest.fixture
def keyring() -> Keyring:
    return Keyring.ephemeral()


@pytest.fixture
def opened(tmp_path: Path, keyring: Keyring) -> Iterator[Open]:
    trails: list[AuditTrail] = []

    def start(folder: Path | None = None, **options: Any) -> AuditTrail:
        options = {"seconds": 0.01, "signer": keyring.log_signer, **options}
        trails.append(AuditTrail(folder or tmp_path / "audit", **options))
        return trails[-1]

    yield start
    for trail in trails:
        trail.close()


@pytest.fixture
def heard() -> Iterator[list[Event]]:
    events: list[Event] = []
    bus.flush()  # what earlier tests left
    bus.subscribe(events.extend)
    yield events
    bus.unsubscribe(events.extend)


def recorded(folder: Path) -> list[str]:
    found = []
    for entry in entries(folder):
        try:
            one = json.loads(entry)
        except ValueError:
            continue  # what a full disk or a killed writer left
        if one["name"] == "authz_fail":
            found.append(one["request_id"])
    return found


def test_it_is_an_audit_log_whose_entry_is_there_when_append_returns(
    opened: Open, tmp_path: Path
) -> None:
    trail = opened(seconds=60.0)
    log: AuditLog = trail
    log.append(event("1"))
    assert recorded(tmp_path / "audit") == ["1"]
    for path in (tmp_path / "audit").rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600)


def test_durable_is_what_is_synced_and_signed(opened: Open, tmp_path: Path) -> None:
    trail = opened()
    trail.append(event("1"))
    assert trail.wait_durable()
    assert trail.unacknowledged == 0
    assert findings(tmp_path / "audit" / "log") == []
    assert recorded(tmp_path / "audit") == ["1"]


def test_without_a_turn_nothing_is_durable_and_that_is_said(opened: Open, keyring: Keyring) -> None:
    go_on = threading.Event()

    def slow(origin: str) -> object:
        go_on.wait(30)
        return keyring.log_signer(origin)

    trail = opened(signer=slow)
    trail.append(event("1"))
    assert not trail.wait_durable(0.05)
    assert trail.unacknowledged == 1
    go_on.set()
    assert trail.wait_durable()


def test_one_sync_and_one_signature_for_a_batch(
    opened: Open, monkeypatch: pytest.MonkeyPatch, keyring: Keyring
) -> None:
    trail = opened(seconds=0.3)
    trail.append(event("0"))
    assert trail.wait_durable()
    synced: list[int] = []
    signed: list[bytes] = []
    signer = keyring.log_signer(trail.sequencer._name())
    monkeypatch.setattr("stockade.watch.audit.backlog._datasync", synced.append)
    monkeypatch.setattr(trail.sequencer, "_signer", Counting(signer, signed), raising=True)
    trail.extend([event(n) for n in range(3_000)])
    assert trail.wait_durable()
    assert (len(synced), len(signed)) == (1, 1)


class Counting:
    def __init__(self, signer: Any, signed: list[bytes]) -> None:
        self.signer, self.signed = signer, signed
        self.public_keys, self.former_keys = signer.public_keys, signer.former_keys

    def sign(self, message: bytes, public: bytes) -> bytes:
        self.signed.append(message)
        return bytes(self.signer.sign(message, public))


def test_an_event_that_is_too_long_is_cut_and_says_so(opened: Open, tmp_path: Path) -> None:
    trail = opened()
    trail.extend(
        [
            event("1"),
            Event(
                time=now(), name="authz_fail", severity="warn", outcome="blocked", part="t",
                request_id="2", resource="\u2028" * 70_000, details={"x": "y" * 70_000},
            ),
            event("3"),
        ]
    )  # fmt: skip
    assert trail.wait_durable()
    assert recorded(tmp_path / "audit") == ["1", "2", "3"]
    logged = [json.loads(one) for one in entries(tmp_path / "audit") if b'"request_id":"2"' in one]
    assert logged[0]["details"]["cut_bytes"] > 140_000
    assert max(map(len, entries(tmp_path / "audit"))) <= tiles.LONGEST


def test_what_a_killed_writer_left_unfinished_is_ended_and_kept(
    opened: Open, tmp_path: Path
) -> None:
    first = opened(seconds=60.0)
    first.append(event("1"))
    [segment] = (tmp_path / "audit" / "spool").glob("*.jsonl")
    with segment.open("ab") as file:
        file.write(b'\n{"request_id":"2","rea')
    first.append(event("3"))
    first.close()
    lines = list(entries(tmp_path / "audit"))
    assert b'{"request_id":"2","rea' in lines
    whole = [json.loads(line) for line in lines if line.endswith(b"}")]
    assert [one["request_id"] for one in whole if one["name"] == "authz_fail"] == ["1", "3"]
    assert findings(tmp_path / "audit" / "log") == []


def test_a_torn_end_is_taken_in_when_the_segment_ends(opened: Open, tmp_path: Path) -> None:
    trail = opened(seconds=60.0)
    trail.append(event("1"))
    [segment] = (tmp_path / "audit" / "spool").glob("*.jsonl")
    with segment.open("ab") as file:
        file.write(b'\n{"torn')
    trail.close()
    again = opened()
    again.append(event("2"))
    again.close()
    assert [one for one in entries(tmp_path / "audit") if not one.endswith(b"}")] == [b'{"torn']
    assert sum(b'"authz_fail"' in one for one in entries(tmp_path / "audit")) == 2


def test_workers_share_one_log_and_a_dead_one_loses_nothing(tmp_path: Path) -> None:
    """Two processes write; one is killed; what it spooled the other takes in."""
    program = """
import os, signal, sys, time
from pathlib import Path
from stockade.crypto import Keyring
from stockade.watch.audit.log import AuditTrail
from tests.watch.audit.logs import event
folder, name, dies = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "dies"
keyring = Keyring.open(folder / "keys.json")
trail = AuditTrail(folder / "audit", signer=keyring.log_signer, seconds=60 if dies else 0.01)
for number in range(500):
    trail.append(event(f"{name}{number}"))
    if not dies:
        time.sleep(0.001)
if dies:
    os.kill(os.getpid(), signal.SIGKILL)
trail.close()
"""
    Keyring.open(tmp_path / "keys.json", create=True)
    workers = [
        subprocess.Popen([sys.executable, "-c", program, tmp_path, name, how])
        for name, how in (("a", "dies"), ("b", "lives"), ("c", "lives"))
    ]
    assert [worker.wait(60) for worker in workers] == [-9, 0, 0]
    found = Counter(recorded(tmp_path / "audit"))
    assert found == Counter(f"{name}{n}" for name in "abc" for n in range(500))
    assert findings(tmp_path / "audit" / "log") == []


def test_a_fork_has_a_spool_and_a_thread_of_its_own(tmp_path: Path) -> None:
    program = """
import os, sys, warnings
from pathlib import Path
from stockade.crypto import Keyring
from stockade.watch.audit.log import AuditTrail
from tests.watch.audit.logs import event
warnings.simplefilter("ignore", DeprecationWarning)  # threads and fork, from 3.12 on
folder = Path(sys.argv[1])
keyring = Keyring.open(folder / "keys.json", create=True)
trail = AuditTrail(folder / "audit", signer=keyring.log_signer, seconds=0.01)
trail.append(event("parent"))
child = os.fork()
for number in range(200):
    trail.append(event(f"{'p' if child else 'c'}{number}"))
assert trail.wait_durable()
if not child:
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
trail.close()
"""
    subprocess.run([sys.executable, "-c", program, tmp_path], check=True, timeout=60)
    expected = Counter({"parent": 1}) + Counter(f"{who}{n}" for who in "pc" for n in range(200))
    assert Counter(recorded(tmp_path / "audit")) == expected


def test_threads_append_at_once(opened: Open, tmp_path: Path) -> None:
    trail = opened()
    threads = [threading.Thread(target=fill, args=(trail, 1_000 * n, 200)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert trail.wait_durable()
    assert len(set(recorded(tmp_path / "audit"))) == 800


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own of 2 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        message = "a small file system cannot be mounted here (that takes root)"
        if os.environ.get("STOCKADE_FULL") == "1":
            pytest.fail(message)
        pytest.skip(message)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def written(trail: AuditTrail) -> bool:
    return trail.written


def fill_up(file: Path) -> None:
    with file.open("wb", buffering=0) as opened:
        failed = 0
        while failed != errno.ENOSPC:
            try:
                opened.write(b"x" * 4_096)
            except OSError as error:
                failed = error.errno or 0


def test_a_full_disk_is_loud_and_open_and_nothing_kept_is_lost(
    small_disk: Path, keyring: Keyring, heard: list[Event], capsys: pytest.CaptureFixture[str]
) -> None:
    filler = small_disk / "filler"
    trail = AuditTrail(small_disk / "audit", signer=keyring.log_signer, seconds=0.01, keep=1_000)
    fill(trail, 0, 100)
    fill_up(filler)
    for number in range(100, 1_400):
        trail.append(event(number))
    assert not written(trail)
    assert trail.file.waiting + trail.file.lost > 0
    assert not trail.wait_durable(0.1)
    told = capsys.readouterr().err
    assert "ENOSPC" in told
    bus.flush()
    assert {"log_write_failed", "defence_failed"} & {one.name for one in heard}
    filler.unlink()
    trail.append(event("last"))
    assert trail.wait_durable(20)
    assert written(trail)
    lost = trail.file.lost
    trail.close()
    found = recorded(small_disk / "audit")
    assert len(found) == len(set(found)) == 1_401 - lost
    assert found[:100] == [str(n) for n in range(100)]
    assert findings(small_disk / "audit" / "log") == []
    assert "written again" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_loud_and_open(
    tmp_path: Path, keyring: Keyring, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_bytes(b"")
    trail = AuditTrail(tmp_path / "file" / "audit", signer=keyring.log_signer, keep=2, seconds=60)
    for number in range(3):
        trail.append(event(number))
    assert (trail.file.waiting, trail.file.lost) == (2, 1)
    assert "ENOTDIR" in capsys.readouterr().err
    trail.close()


def test_a_clock_that_jumps_back_changes_nothing(opened: Open, tmp_path: Path) -> None:
    trail = opened()
    for year in (2040, 2026, 1999):
        moved = event(year)
        moved.time = now().replace(year=year)
        trail.append(moved)
        assert trail.wait_durable()
    assert recorded(tmp_path / "audit") == ["2040", "2026", "1999"]
    assert findings(tmp_path / "audit" / "log") == []


def test_checkpoints_leave_by_the_event_log(opened: Open, heard: list[Event]) -> None:
    trail = opened(tell_seconds=0.0)
    trail.append(event("1"))
    assert trail.wait_durable()
    trail.close()
    bus.flush()
    told = [one for one in heard if one.name == "audit_checkpoint"]
    assert trail.sequencer.last is not None
    assert told[-1].details["checkpoint"] == trail.sequencer.last.note.encode().decode()
    assert told[-1].details["size"] == trail.sequencer.last.checkpoint.size


def test_live_secrets_are_masked(opened: Open, tmp_path: Path) -> None:
    class Live:
        def values(self) -> tuple[str, ...]:
            return ("hunter2-hunter2",)

    trail = opened(secrets=Live())
    trail.append(event("hunter2-hunter2"))
    assert trail.wait_durable()
    assert recorded(tmp_path / "audit") == ["[redacted]"]
    assert b"hunter2" not in b"".join(
        path.read_bytes() for path in (tmp_path / "audit").rglob("*") if path.is_file()
    )

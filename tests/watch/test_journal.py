from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from stockade.core.events import Event, now
from stockade.core.ports import AuditLog
from stockade.watch.journal import Journal

WRITER = """
import os, sys, threading
from stockade.core.events import Event, now
from stockade.watch.journal import Journal
path, kind, first = sys.argv[1], sys.argv[2], int(sys.argv[3])
if kind == "journal":
    append = Journal(path).append
else:                                  # what a logging handler without a flush does
    file = open(path, "a")
    lock = threading.Lock()
    def append(event):
        with lock:
            file.write('{"request_id":"%s"}\\n' % event.request_id)
def work(worker):
    number = first + worker
    while True:
        append(Event(time=now(), name="authz_fail", severity="critical", outcome="blocked",
                     part="test", request_id=str(number), reason="You may not do this."))
        os.write(1, b"%d\\n" % number)
        number += 2
for worker in (0, 1):
    threading.Thread(target=work, args=(worker,)).start()
"""


def event(**fields: Any) -> Event:
    return Event(
        time=now(), name="authz_fail", severity="warn", outcome="blocked", part="t", **fields
    )


def killed_round(path: Path, kind: str, first: int, seconds: float) -> set[str]:
    """What a writer acknowledged before it was killed in the middle of its work."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), kind, str(first)], stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        start = child.stdout.readline()  # it works; now let it, for a moment
        time.sleep(seconds)
        child.send_signal(signal.SIGKILL)
        rest = child.stdout.read()
    assert child.returncode == -signal.SIGKILL
    return {line.decode() for line in (start + rest).split(b"\n")[:-1]}


def recorded(path: Path) -> set[str]:
    found = set()
    for line in path.read_bytes().splitlines():
        try:
            found.add(json.loads(line)["request_id"])
        except ValueError:
            pass
    return found


def test_ten_kills_under_load_lose_no_acknowledged_record(tmp_path: Path) -> None:
    path, acknowledged, chance = tmp_path / "audit.jsonl", set[str](), random.Random(7)
    for number in range(10):
        now_acknowledged = killed_round(path, "journal", number * 10**7, chance.uniform(0, 0.03))
        assert now_acknowledged
        acknowledged |= now_acknowledged
    assert acknowledged <= recorded(path)


def test_the_same_kills_do_lose_records_of_a_buffered_writer(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    acknowledged = killed_round(path, "buffered", 0, 0.02)
    assert acknowledged - recorded(path)


def test_it_is_an_audit_log_whose_line_is_there_when_append_returns(tmp_path: Path) -> None:
    path = tmp_path / "state" / "audit.jsonl"
    journal = Journal(path)
    log: AuditLog = journal
    log.append(event(request_id="1"))
    assert recorded(path) == {"1"}
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.stat().st_mode & 0o777 == 0o600
    journal.close()


def test_a_torn_last_line_is_ended_kept_and_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_bytes(b'{"request_id":"1"}\n{"request_id":"2","rea')
    journal = Journal(path)
    assert journal.torn == 22
    assert "torn line of 22 byte(s)" in capsys.readouterr().err
    journal.append(event(request_id="3"))
    lines = path.read_bytes().splitlines()
    assert lines[:2] == [b'{"request_id":"1"}', b'{"request_id":"2","rea']
    assert recorded(path) == {"1", "3"}
    again = Journal(path)
    assert again.torn == 0
    assert path.read_bytes().splitlines() == lines


@pytest.mark.parametrize("content", [b"", b"whole\n", b"x" * 200_000 + b"\n"])
def test_a_whole_file_is_left_as_it_is(
    tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_bytes(content)
    assert Journal(path).torn == 0
    assert path.read_bytes() == content
    assert capsys.readouterr().err == ""


def test_a_full_disk_is_loud_and_open_and_the_records_wait(
    capsys: pytest.CaptureFixture[str],
) -> None:
    journal = Journal("/dev/full", keep=2)
    for number in range(3):
        journal.append(event(request_id=str(number)))
    assert (journal.file.waiting, journal.lost) == (2, 1)
    assert "the journal /dev/full cannot be written (ENOSPC" in capsys.readouterr().err


def test_the_disk_is_synced_in_the_background_and_seldom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []
    monkeypatch.setattr("stockade.watch.journal._sync", lambda fd: synced.append(os.fstat(fd)))
    journal = Journal(tmp_path / "audit.jsonl", sync_seconds=0.05)
    for _ in range(100):
        journal.append(event())
    end = time.monotonic() + 5
    while not synced and time.monotonic() < end:
        time.sleep(0.01)
    assert len(synced) in {1, 2}
    assert synced[0].st_ino == (tmp_path / "audit.jsonl").stat().st_ino

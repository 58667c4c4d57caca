"""Workers are killed at random moments, in the middle of spooling, hashing and signing."""

from __future__ import annotations

import os
import subprocess
import sys
from base64 import b64decode
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from stockade.core.events import Event
from stockade.crypto import Keyring
from stockade.watch.audit.log import AuditTrail
from tests.watch.audit import independent

KILLS = int(os.environ.get("STOCKADE_KILLS", "30"))


def said(folder: Path) -> dict[str, list[str]]:
    lines = (folder / "said").read_text().split("\n")[:-1]
    told: dict[str, list[str]] = {"a": [], "d": [], "c": []}
    for line in lines:
        kind, _, what = line.partition(" ")
        told[kind].append(what)
    return told


def test_nothing_acknowledged_is_lost_or_logged_twice(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "tests.watch.audit.killed", str(tmp_path), str(KILLS // 2), "7"],
        check=True, timeout=600,
    )  # fmt: skip
    told = said(tmp_path)
    keyring = Keyring.open(tmp_path / "keys.json")
    trail = AuditTrail(tmp_path / "audit", signer=keyring.log_signer)
    trail.close()
    log = tmp_path / "audit" / "log"
    origin = (log / "checkpoint").read_text().split("\n")[0]
    keys = [
        independent.encoded_vkey(origin, 1, public)
        for public in keyring.log_signer(origin).public_keys()
    ]
    _, tree, entries = independent.verified(log, keys)
    decoded = [msgspec.json.decode(entry, type=Event) for entry in entries if entry[-1:] == b"}"]
    logged = Counter(event.request_id for event in decoded if event.name == "authz_fail")
    assert len(told["a"]) > KILLS
    assert len(told["d"]) > KILLS // 2
    assert {*told["a"], *told["d"]} <= logged.keys()
    assert max(logged.values()) == 1
    checkpoints = {b64decode(note) for note in told["c"]}
    assert len(checkpoints) > KILLS // 2
    for note in checkpoints:
        _, size, root = independent.checkpoint(note, keys)
        assert tree.mth(0, size) == root


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_same_entries_are_lost_where_append_does_not_spool(tmp_path: Path, when: str) -> None:
    """The twin: a worker that only keeps entries in memory loses them; ours has them."""
    program = f"""
import os, signal
from pathlib import Path
from stockade.crypto import Keyring
from stockade.watch.audit.log import AuditTrail
from tests.watch.audit.killed import event
folder = Path({str(tmp_path)!r})
keyring = Keyring.open(folder / "keys.json", create=True)
if {when!r} == "before":
    kept = [event("1")]
else:
    AuditTrail(folder / "audit", signer=keyring.log_signer, seconds=60).append(event("1"))
os.kill(os.getpid(), signal.SIGKILL)
"""
    child = subprocess.run([sys.executable, "-c", program], check=False, timeout=60)
    assert child.returncode == -9
    keyring = Keyring.open(tmp_path / "keys.json")
    trail = AuditTrail(tmp_path / "audit", signer=keyring.log_signer)
    trail.close()
    found = b"".join(
        file.read_bytes() for file in (tmp_path / "audit").rglob("*") if file.is_file()
    )
    assert (b'"request_id":"1"' in found) == (when == "after")

"""Workers of one audit log that are killed at random moments: `python -m …killed FOLDER ROUNDS`.

Each round forks two workers that append and have signed as fast as they can, and kills each at a
moment of its own. What they saw done they say in the file `said`, a line each: `a` and the number
of an entry that was appended, `d` of one that was durable, `c` and a checkpoint.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from base64 import b64encode
from pathlib import Path

from stockade.core.events import Event, now
from stockade.crypto import Keyring
from stockade.watch.audit.log import AuditTrail


def event(number: str) -> Event:
    return Event(
        time=now(), name="authz_fail", severity="critical", outcome="blocked", part="test",
        request_id=number, reason="You may not do this." * 3,
    )  # fmt: skip


def work(folder: Path, name: str, say: int) -> None:
    trail = AuditTrail(
        folder / "audit", signer=Keyring.open(folder / "keys.json").log_signer, seconds=0.004
    )

    def append(thread: int) -> None:
        number = 0
        while True:
            trail.append(event(f"{name}.{thread}.{number}"))
            os.write(say, f"a {name}.{thread}.{number}\n".encode())
            number += 1
            time.sleep(0.0005)

    for thread in range(2):
        threading.Thread(target=append, args=(thread,), daemon=True).start()
    number = 0
    while True:
        trail.append(event(f"{name}.d.{number}"))
        if trail.wait_durable(5):
            os.write(say, f"d {name}.d.{number}\n".encode())
        signed = trail.sequencer.last
        if signed is not None:
            os.write(say, b"c " + b64encode(signed.note.encode()) + b"\n")
        number += 1


def main(folder: Path, rounds: int, seed: int) -> None:
    chance = random.Random(seed)
    Keyring.open(folder / "keys.json", create=True)
    for turn in range(rounds):
        workers = [forked(folder, f"{seed}.{turn}.{which}") for which in "ab"]
        for pid in workers:
            time.sleep(chance.uniform(0.005, 0.15))
            os.kill(pid, signal.SIGKILL)
            assert os.waitpid(pid, 0)[1] == signal.SIGKILL


def forked(folder: Path, name: str) -> int:
    pid = os.fork()
    if pid == 0:
        say = os.open(folder / "said", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            work(folder, name, say)
        finally:
            os._exit(70)
    return pid


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))

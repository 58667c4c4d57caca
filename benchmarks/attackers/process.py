"""A tool as a separate process, bounded in time, ended with everything it started."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

__all__ = ["PROJECT", "Ran", "run"]

PROJECT = Path(__file__).parents[2]


class Ran(NamedTuple):
    """What it said on both streams, and whether it ended by itself with status 0."""

    said: str
    complete: bool


def run(command: Sequence[str], folder: Path, seconds: float) -> Ran:
    """Run `command` in `folder`, which becomes its home too: it leaves nothing elsewhere."""
    folder.mkdir(parents=True, exist_ok=True)
    output = folder / "said.txt"
    with output.open("wb") as file:
        process = subprocess.Popen(
            list(command),
            cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status: int | None = process.wait(seconds)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    return Ran(output.read_text("utf-8", "replace"), status == 0)

"""A program of its own, with a real `Stockade.start`; what its event log holds afterwards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

START = """
import sys
from stockade import Stockade
from stockade.core.config import DefenceSettings, Settings, WatchSettings

stockade = Stockade(Settings(
    defence=DefenceSettings(mode="observe"),
    watch=WatchSettings(
        log=sys.argv[1], audit="", run="", application_logs="leave",
        silence={silence}, loop_stall={stall},
    ),
))
stockade.start()
"""
CANARY = "7f3a-told-in-confidence"
"""What the programs put into their messages and values: it may stand in no event."""


class Ran(NamedTuple):
    events: list[dict[str, Any]]
    """Those of silent failures: what a start and an end tell is left out."""
    stderr: str
    code: int

    def rules(self) -> list[str]:
        return [event["rule"] for event in self.events]


Run = Callable[..., Ran]


def run(folder: Path, program: str, *, silence: bool, stall: float = 0.0, code: int = 0) -> Ran:
    """Run `program` after Stockade's start, with or without its listening for silent failures."""
    log = folder / f"events-{silence}.jsonl"
    source = START.format(silence=silence, stall=stall) + textwrap.dedent(program)
    done = subprocess.run(
        [sys.executable, "-c", source, str(log)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=folder,
        env={**os.environ, "CANARY": CANARY},
        check=False,
    )
    assert done.returncode == code, done.stderr
    lines = log.read_text("utf-8").splitlines()
    assert any('"sys_startup"' in line for line in lines), "the log works"
    assert CANARY not in "\n".join(lines)
    events = [json.loads(line) for line in lines]
    return Ran(
        [event for event in events if event["rule"].startswith(("silence.", "app.main"))],
        done.stderr,
        done.returncode,
    )

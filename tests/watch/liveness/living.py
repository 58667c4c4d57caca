"""Real processes that share a store: each with a `Stockade` of its own and an event log."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROGRAM = """
import os, sys, time
from stockade import Stockade
from stockade.core.config import DefenceSettings, Settings, StoreSettings, WatchSettings

stockade = Stockade(Settings(
    defence=DefenceSettings(mode="observe"),
    store=StoreSettings(url=os.path.abspath("state.db")),
    watch=WatchSettings(
        log=sys.argv[1], audit="", run="", application_logs="leave", loop_stall=0.0,
        heartbeat={heartbeat},
    ),
))
stockade.start()
"""


@contextmanager
def process(
    folder: Path, name: str, program: str = "time.sleep(60)", *, heartbeat: float = 0.2
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that runs `program` after Stockade's start; killed at the end if it still runs."""
    source = PROGRAM.format(heartbeat=heartbeat) + textwrap.dedent(program)
    command = [sys.executable, "-c", source, f"{name}.jsonl"]
    with subprocess.Popen(command, cwd=folder) as started:
        try:
            yield started
        finally:
            started.kill()


def events(folder: Path, name: str, *wanted: str) -> list[dict[str, Any]]:
    """The events of these names in the log of the process `name`."""
    log = folder / f"{name}.jsonl"
    lines = log.read_text("utf-8").splitlines() if log.exists() else []
    found = [json.loads(line) for line in lines if line.endswith("}")]
    return [event for event in found if event["name"] in wanted]


def until(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    """What `condition` gives, once that is something."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)
    return found

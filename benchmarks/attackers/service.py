"""The range as a server on loopback, bare or guarded, started again whenever it has suffered."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.attackers.process import PROJECT
from benchmarks.attackers.targets import FRAMEWORKS

__all__ = ["BARE", "GUARDED", "MODES", "Service", "ServiceDown", "Tally", "services"]

BARE, GUARDED = MODES = ("bare", "guarded")
_GUARD = ("stockade", "run", "--mode", "block", "--", sys.executable, "-m")
_SECONDS = 30.0
_REQUEST = re.compile(rb'"[A-Z]+ /weak/')


class ServiceDown(RuntimeError):
    """The range did not start, or does not answer; the message holds its last words."""


class Tally(NamedTuple):
    """What happened since it was last asked, by the server's access log and Stockade's events."""

    requests: int
    refused: int


class Service:
    """One framework's range in one mode. Its folder holds its data and its event log."""

    def __init__(self, framework: str, mode: str, folder: Path) -> None:
        self.framework, self.mode, self.folder = framework, mode, folder
        folder.mkdir(parents=True, exist_ok=True)
        self.address = ""
        self._events, self._log = folder / "events.jsonl", folder / "server.log"
        self._read = dict.fromkeys((self._events, self._log), 0)
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    def restart(self) -> None:
        """Start anew, with the data of the first day. Errors: ServiceDown."""
        self.stop()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self._port = listener.getsockname()[1]
        self.address = f"http://127.0.0.1:{self._port}"
        words = [word.format(port=self._port) for word in FRAMEWORKS[self.framework]]
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "PYTHONPATH": os.pathsep.join((str(PROJECT), str(PROJECT / "src"))),
            "STOCKADE_WATCH__LOG": str(self._events),
        }
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *(_GUARD if self.mode == GUARDED else ()), *words],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + _SECONDS
        while not self.answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                said = self._log.read_text("utf-8", "replace")[-2_000:]
                raise ServiceDown(f"the {self.mode} range on {self.framework} is down: {said}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it, with all that it started."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def answers(self) -> bool:
        """Whether it is there and quick to say so."""
        try:
            return bool(self.description())
        except (OSError, http.client.HTTPException, ValueError):
            return False

    def description(self) -> dict[str, Any]:
        """Its OpenAPI document. Errors: OSError, HTTPException, ValueError."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
        with contextlib.closing(connection):
            connection.request("GET", "/openapi.json")
            document: dict[str, Any] = json.loads(connection.getresponse().read())
            return document

    def files(self) -> set[str]:
        """The files in its folder, below it too; not those that come and go with each query."""
        return {
            str(file.relative_to(self.folder))
            for file in self.folder.rglob("*")
            if file.is_file() and not file.name.endswith((".jsonl", "-journal", "-wal"))
        }

    def tally(self, path: str) -> Tally:
        """Requests for weak endpoints, and what the firewall refused at `path`, since the last."""
        refused = 0
        for line in self._new(self._events):
            event = json.loads(line)
            if event["part"] == "firewall" and event["outcome"] == "blocked":
                refused += event["resource"] == path
        return Tally(sum(bool(_REQUEST.search(line)) for line in self._new(self._log)), refused)

    def _new(self, file: Path) -> list[bytes]:
        if not file.exists():
            return []
        with file.open("rb") as opened:
            opened.seek(self._read[file])
            lines = opened.read().splitlines(keepends=True)
        if lines and not lines[-1].endswith(b"\n"):
            del lines[-1]  # still being written
        self._read[file] += sum(map(len, lines))
        return lines


@contextlib.contextmanager
def services(framework: str, folder: Path) -> Iterator[dict[str, Service]]:
    """The range on `framework`, bare and guarded, until the end of the block."""
    both = {mode: Service(framework, mode, folder / framework / mode) for mode in MODES}
    try:
        for service in both.values():
            service.restart()
        yield both
    finally:
        for service in both.values():
            service.stop()

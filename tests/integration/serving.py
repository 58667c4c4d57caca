"""Real servers on loopback for tests: uvicorn in a folder of its own, bare or behind Stockade."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

__all__ = ["APPS", "PROJECT", "STOCKADE_RUN", "Server", "free_port", "serving"]

PROJECT = Path(__file__).parents[2]
APPS = Path(__file__).parent / "apps"
STOCKADE_RUN = (sys.executable, "-m", "stockade", "run", "--mode", "block")
SECONDS = 60.0


class Server:
    """A running server: where it listens, what it said, what its event log holds."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
        self.process, self.port, self.folder = process, port, folder
        self.address = f"http://127.0.0.1:{port}"
        self.events = folder / "events.jsonl"
        self._output = folder / "server.log"

    def said(self) -> str:
        """Standard output and standard error so far."""
        return self._output.read_text("utf-8", "replace")

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body of a plain GET on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        with contextlib.closing(connection):
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()

    def wait(self, path: str) -> None:
        """Until `path` is served; fails the test, with the last words, where it never is."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.get(path)[0] == 200:
                    return
            except (OSError, http.client.HTTPException):
                pass  # not up yet
            time.sleep(0.05)
        pytest.fail(f"the server did not start: {self.said()[-2000:]}")


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def serving(
    app: str,
    folder: Path,
    *,
    guarded: bool,
    ready: str = "/openapi.json",
    arguments: Sequence[str] = (),
    **environ: str,
) -> Iterator[Server]:
    """Serve `app` (MODULE:APP, of the project or of `apps/`) until the end of the block.

    Guarded is `stockade run --mode block`. The environment is clean but for `environ`.
    """
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", app, "--port", str(port), "--log-level", "warning"]
    command += arguments
    if guarded:
        command = [*STOCKADE_RUN, "--", *command]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": os.pathsep.join(map(str, (PROJECT, APPS))),
        "STOCKADE_WATCH__LOG": str(folder / "events.jsonl"),
    } | environ
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    server = Server(process, port, folder)
    try:
        server.wait(ready)
        yield server
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

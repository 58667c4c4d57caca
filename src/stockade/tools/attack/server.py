"""The attacked application as a process group of its own, on a free port of loopback."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from stockade.tools.attack.sandbox import AttackError, Sandbox

__all__ = ["Server", "end_group", "free_port", "serve"]

_LAST_LINES = 12
_GRACE = 5.0


class Server:
    """Where it listens, and whether it still lives."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, sandbox: Sandbox) -> None:
        self.process = process
        self.port = port
        self.sandbox = sandbox

    def last_words(self) -> str:
        """The end of what it printed, for a person who must find out why it died."""
        text = self.sandbox.log.read_text("utf-8", "replace")
        return "\n".join(text.splitlines()[-_LAST_LINES:])

    def check(self) -> None:
        """Errors: AttackError where the process has ended."""
        if (code := self.process.poll()) is not None:
            raise AttackError(
                f"the application ended (exit status {code}); its last lines were:\n"
                + self.last_words()
            )


def free_port() -> int:
    """A port of loopback that nobody listens on (at this moment)."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def end_group(process: subprocess.Popen[bytes], grace: float = _GRACE) -> None:
    """Ask a whole process group to end, wait up to `grace` seconds, then kill what is left."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(grace)
    # Also where the leader has ended: commands that an attack started may live on in its group.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _wait_until_ready(server: Server, patience: float) -> None:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        server.check()
        with suppress(OSError), socket.create_connection(("127.0.0.1", server.port), 1):
            return
        time.sleep(0.05)
    raise AttackError(
        f"the application did not listen within {patience:g} seconds; its last lines were:\n"
        + server.last_words()
    )


@contextmanager
def serve(
    sandbox: Sandbox,
    app: str,
    *,
    prefix: Sequence[str] = (),
    environment: dict[str, str] | None = None,
    patience: float = 30.0,
) -> Iterator[Server]:
    """Run `app` (MODULE:APP) as `host` does, behind the command `prefix`; end it at the end."""
    port = free_port()
    command = [
        *prefix,
        *(sys.executable, "-m", "stockade.tools.attack.host", app),
        *("--host", "127.0.0.1", "--port", str(port)),
    ]
    with sandbox.log.open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=sandbox.project,
            env=sandbox.environment | (environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        server = Server(process, port, sandbox)
        _wait_until_ready(server, patience)
        yield server
    finally:
        end_group(process)

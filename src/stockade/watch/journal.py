"""The journal: audit events that are in the file before the request is answered.

`append` returns after the kernel took the line, so neither an exception nor a SIGKILL nor a crash
of the process loses it. A crash of the *machine* may: that needs fdatasync, which costs a
millisecond, so it follows in the background, at most once a second. What a power cut can lose is
the last second.

Fails open, for a full disk must not stop the service, and loudly: see `stockade.watch.appender`.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from pathlib import Path

from stockade.core import context
from stockade.core.bus import emit, say
from stockade.core.events import Event, Outcome
from stockade.core.ports import Clock, LiveSecrets
from stockade.watch.appender import Appender
from stockade.watch.lines import LineEncoder

__all__ = ["Journal"]

_sync = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync


class Journal:
    """A `core.ports.AuditLog` in one file: `bus.subscribe_audit(Journal(path).append)`.

    The folder is made where it is missing (mode 0700), the file with mode 0600. A last line that a
    crash tore is ended at opening, kept, and reported: `torn` is its length in bytes, else 0.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        secrets: LiveSecrets | None = None,
        keep: int = 10_000,
        sync_seconds: float = 1.0,
        clock: Clock = time.monotonic,
    ) -> None:
        self.torn = 0
        self._encode = LineEncoder(secrets)
        self._sync_seconds = sync_seconds
        self._dirty = threading.Event()
        self._syncing: tuple[int, threading.Thread] | None = None
        self.file = Appender(path, kind="journal", keep_lines=keep, clock=clock)
        try:
            Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.torn = _torn_bytes(Path(path))
        except OSError as error:
            self.file.complain(error)
        if self.torn:
            self.file.append(b"\n")
            self._report_torn()
        else:
            self.file.append(b"")  # a path that cannot be opened is told at start

    def append(self, event: Event) -> None:
        """Write one event; when this returns, the end of the process does not lose it."""
        if self.file.append(self._encode([event])):
            if self._syncing is None or self._syncing[0] != os.getpid():
                self._start_syncing()
            self._dirty.set()

    @property
    def lost(self) -> int:
        """Lines that neither the file nor the memory could take."""
        return self.file.lost

    @property
    def failures(self) -> int:
        """Writes that failed."""
        return self.file.failures

    def sync(self) -> None:
        """Have the disk hold what was written: fdatasync, now."""
        self._dirty.clear()
        try:
            descriptor = self.file.duplicate()
            if descriptor >= 0:
                try:
                    _sync(descriptor)
                finally:
                    os.close(descriptor)
        except OSError as error:
            if error.errno != errno.EINVAL:  # a pipe or a device has no disk to wait for
                self.file.failures += 1
                self.file.complain(error)

    def close(self) -> None:
        """Write what waits, sync and close."""
        self.sync()
        self.file.close()

    def _start_syncing(self) -> None:
        thread = threading.Thread(target=self._run, name="stockade-journal", daemon=True)
        self._dirty = threading.Event()  # after a fork the old one may be locked for ever
        self._syncing = (os.getpid(), thread)
        try:
            context.start_outside_request(thread)
        except RuntimeError:  # no more threads, or the interpreter is ending
            self._syncing = None
            self.sync()

    def _run(self) -> None:
        dirty = self._dirty
        while True:
            dirty.wait()
            time.sleep(self._sync_seconds)
            self.sync()

    def _report_torn(self) -> None:
        say(
            f"the journal {self.file.path} ended in a torn line of {self.torn} byte(s), as a crash "
            "leaves it; it is kept on a line of its own, and the journal goes on after it"
        )
        emit(
            "log_write_failed",
            Outcome.FAILED,
            "watch",
            "The journal ended in a torn line, which is kept; the journal goes on after it.",
            file=self.file.kind,
            torn_bytes=self.torn,
        )


def _torn_bytes(path: Path) -> int:
    """How many bytes follow the last newline."""
    if not path.is_file():
        return 0
    with path.open("rb") as file:
        start = file.seek(0, os.SEEK_END)
        tail = 0
        while start > 0:
            size = min(65_536, start)
            start -= size
            file.seek(start)
            found = file.read(size).rfind(b"\n")
            if found >= 0:
                return tail + size - found - 1
            tail += size
    return tail

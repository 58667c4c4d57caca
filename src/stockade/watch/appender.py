"""A file that lines are appended to, and what happens when they cannot be.

One write a call, O_APPEND, so that several processes may share the file. A write that fails is
told on standard error (at once, then once a minute), counted, published as `log_write_failed`, and
the lines wait in memory for the next call. Where memory is full too, the newest are lost and
counted: what came first explains the rest.
"""

from __future__ import annotations

import errno
import os
import threading
import time
import weakref
from pathlib import Path

from stockade.core.bus import emit, say
from stockade.core.events import Outcome
from stockade.core.ports import Clock
from stockade.core.tally import tally

__all__ = ["Appender"]

_COMPLAINT_SECONDS = 60.0
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
STANDARD_OUTPUT = 1


class Appender:
    """Appends whole lines to `path`, or to standard output where that is `-`."""

    def __init__(
        self,
        path: str | Path,
        *,
        kind: str,
        keep_lines: int = 10_000,
        keep_bytes: int = 16 << 20,
        clock: Clock = time.monotonic,
    ) -> None:
        """`kind` names the file to people and metrics; never raises, for it fails open."""
        self.path = str(path)
        self.kind = self.title = kind
        self.lost = 0
        """Lines that neither the file nor the memory could take."""
        self.failures = 0
        """Writes that failed."""
        self.waiting = 0
        """Lines in memory, to be written with the next call."""
        self._keep_lines = keep_lines
        self._keep_bytes = keep_bytes
        self._clock = clock
        self._backlog = bytearray()
        self._fd = STANDARD_OUTPUT if self.path == "-" else -1
        self._identity = (0, 0)
        self._torn = False
        self._failing = False
        self._complained = float("-inf")
        self.lock = threading.Lock()
        itself: weakref.ref[Appender] = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: _forget(itself))

    def append(self, data: bytes) -> bool:
        """Write `data`, whole lines, after what waits; False if it has to wait, or is lost."""
        with self.lock:
            error = self._attempt(data)
            recovered = error is None and self._failing
            self._failing = error is not None
        # Outside the lock: the event about a failure may come back to this very file.
        if error is not None:
            self.complain(error)
        elif recovered:
            self._complained = float("-inf")
            say(f"the {self.title} {self.path} is written again; {self.lost} line(s) were lost")
        return error is None

    def close(self) -> None:
        """Try once more to write what waits, and close the file."""
        if self._backlog:
            self.append(b"")
        with self.lock:
            if self._fd > STANDARD_OUTPUT:
                os.close(self._fd)
                self._fd = -1

    def duplicate(self) -> int:
        """A descriptor of the file as it is now, for the caller to close; -1 if none is open."""
        with self.lock:
            return os.dup(self._fd) if self._fd > STANDARD_OUTPUT else -1

    def complain(self, error: OSError) -> None:
        """Tell of `error`: always in the metrics, otherwise at most once a minute."""
        tally.log_failures[self.kind] += 1
        if self._clock() - self._complained < _COMPLAINT_SECONDS:
            return
        self._complained = self._clock()
        code = errno.errorcode.get(error.errno or 0, "unknown")
        say(
            f"the {self.title} {self.path} cannot be written ({code}: {error.strerror}); "
            f"{self.waiting} line(s) wait in memory, {self.lost} lost. The service goes on; make "
            "room, or repair the path, and they will be written"
        )
        emit(
            "log_write_failed",
            Outcome.FAILED,
            "watch",
            "A log cannot be written; its lines wait in memory.",
            file=self.kind,
            error=code,
            waiting=self.waiting,
            lost=self.lost,
        )

    # -- with the lock held ----------------------------------------------------------------------

    def _open(self) -> None:
        if self._fd == STANDARD_OUTPUT:
            return
        if self._fd >= 0:
            try:
                found = os.stat(self.path)
                if (found.st_dev, found.st_ino) == self._identity:
                    return
            except FileNotFoundError:
                pass  # rotated away, or deleted: what we hold open nobody would ever read
            os.close(self._fd)
            self._fd = -1
        self._fd = os.open(self.path, _FLAGS, 0o600)
        opened = os.fstat(self._fd)
        self._identity = (opened.st_dev, opened.st_ino)
        self._torn = False

    def _attempt(self, data: bytes) -> OSError | None:
        """Write what waits, then `data`; what is left waits. The error, if there was one."""
        try:
            self._open()
        except OSError as failure:
            error: OSError | None = failure
        else:
            error = self._write_backlog()
        if error is None:
            rest, error = self._write(data)
        else:
            rest = data
        if error is not None:
            self.failures += 1
            self._keep(rest)
        return error

    def _write_backlog(self) -> OSError | None:
        if not self._backlog:
            return None
        rest, error = self._write(self._backlog)
        if len(rest) < len(self._backlog):
            self._backlog, self.waiting = bytearray(), 0
            self._keep(rest)
        return error

    def _write(self, data: bytes | bytearray) -> tuple[bytes | bytearray, OSError | None]:
        """Write `data`: the whole lines that could not be written, and why."""
        done = 0
        try:
            if data and self._torn:
                os.write(self._fd, b"\n")
                self._torn = False
            with memoryview(data) as view:
                while done < len(data):
                    done += os.write(self._fd, view[done:])
        except OSError as error:
            whole = data.rfind(b"\n", 0, done) + 1
            self._torn = self._torn or whole < done
            return (data[whole:] if whole else data), error
        return b"", None

    def _keep(self, data: bytes | bytearray) -> None:
        for line in data.splitlines(keepends=True):
            full = self.waiting >= self._keep_lines
            if full or len(self._backlog) + len(line) > self._keep_bytes:
                self.lost += 1
                tally.log_lost[self.kind] += 1
            else:
                self._backlog += line
                self.waiting += 1

    def _start_over(self) -> None:
        # The lock may have been held elsewhere, and what waits is the parent's to write.
        self.lock = threading.Lock()
        self._backlog.clear()
        self.waiting = 0


def _forget(itself: weakref.ref[Appender]) -> None:
    here = itself()
    if here is not None:
        here._start_over()

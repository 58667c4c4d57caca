"""Writing to the spool: when `append` has returned, the kernel has the entry.

Fails open, like every log (`stockade.watch.appender`): what cannot be written waits in memory,
bounded, and is told; what memory cannot hold is counted.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path

from stockade.core.ports import Clock
from stockade.watch.appender import Appender
from stockade.watch.audit import segments

__all__ = ["Spool"]

MOST_BYTES = 1 << 30
"""Of a segment: a sequencer that has failed for so long must not fill the disk."""
_TRIES = 4


class Spool(Appender):
    """Appends whole lines to the last segment in `folder`, together with other processes."""

    def __init__(
        self,
        folder: Path,
        size: Callable[[], int],
        *,
        keep: int = 10_000,
        clock: Clock = time.monotonic,
    ) -> None:
        """`size`: how many entries the tree has, asked for where the spool is empty."""
        super().__init__(folder, kind="audit", keep_lines=keep, clock=clock)
        self.title = "audit log"
        self.folder = folder
        self._size = size

    def _attempt(self, data: bytes) -> OSError | None:
        try:
            return super()._attempt(data)
        finally:
            if self._fd >= 0:
                segments.unlock(self._fd)

    def _open(self) -> None:
        """Have the last segment open and locked: it is not sealed while we write."""
        for _ in range(_TRIES):
            if self._fd < 0:
                self._fd = os.open(self._last().path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            segments.lock_shared(self._fd)
            if segments.is_open(self._fd):
                if os.fstat(self._fd).st_size > MOST_BYTES:
                    raise OSError(errno.EFBIG, "nothing takes entries out of the spool")
                return
            self._let_go()
        raise OSError(errno.EAGAIN, "the spool's segments are sealed again and again")

    def _last(self) -> segments.Segment:
        """The segment that takes entries, begun where there is none."""
        found = segments.segments(self.folder)
        if found and found[-1].path.stat().st_mode & 0o200:
            return found[-1]
        with segments.exclusive(self.folder / "lock") as locked:
            if not locked:
                raise OSError(errno.EAGAIN, "another process keeps the spool locked")
            found = segments.segments(self.folder)
            if not found:
                return segments.create(self.folder, self._size())
            last = found[-1]
            if last.path.stat().st_mode & 0o200:
                return last
            # Who sealed it was killed before the next one was there.
            entries = segments.entries_of(last.path.read_bytes())
            return segments.create(self.folder, last.base + len(entries))

    def _write(self, data: bytes | bytearray) -> tuple[bytes | bytearray, OSError | None]:
        """Write `data`: the lines that are not there whole, and why."""
        stuck = 0
        try:
            while data:
                whole = b"\n" + data
                done = os.write(self._fd, whole)
                # Another process may write now, so what is not there whole is written again. A line
                # that lacks only its end is whole: the next write begins with one.
                written = whole.rfind(b"\n", 0, done + 1) if done < len(whole) else done
                data = whole[written + 1 :]
                stuck = 0 if written else stuck + 1
                if stuck == _TRIES:  # each of them left a piece of the line
                    raise OSError(errno.EIO, "no line is taken whole")
        except OSError as error:
            return data, error
        return b"", None

    def _let_go(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _start_over(self) -> None:
        self._let_go()  # shared with the parent, its lock is one with ours
        super()._start_over()

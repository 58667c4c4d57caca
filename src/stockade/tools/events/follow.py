"""A log that grows: what is appended, also after it was rotated away or cut off."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import IO

__all__ = ["Follower"]

_PAUSE = 0.2
_BLOCK = 1 << 16


class Follower:
    """Gives the whole lines that are appended to `path` from now on; polls, for files may be moved.

    A rotated file is read to its end before the new one is begun. What a file held before it was
    cut off (truncated) and had not been read is lost; `say` is told.
    """

    def __init__(
        self, path: str, say: Callable[[str], None], *, pause: float = _PAUSE, start: int = -1
    ) -> None:
        """From byte `start` on, by default the end of the file."""
        self.path = path
        self._say = say
        self._pause = pause
        self._rest = b""
        self._file: IO[bytes] | None = None
        self._open(start)

    def lines(self, stop: Callable[[], bool] = lambda: False) -> Iterator[bytes]:
        """Lines with their ends, until `stop`; waits for more."""
        while True:
            yield from self._new_lines()
            if self._changed():
                yield from self._new_lines()  # what came between reading and looking
                if self._rest:
                    self._say(f"{self.path} was rotated in the middle of a line")
                self._rest = b""
                self._open(0)
                continue
            if stop():
                return
            time.sleep(self._pause)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self, start: int) -> None:
        self.close()
        try:
            self._file = open(self.path, "rb", buffering=0)  # noqa: SIM115  closed by `close`
        except FileNotFoundError:
            return
        if start < 0:
            self._file.seek(0, os.SEEK_END)
        else:
            self._file.seek(start)

    def _new_lines(self) -> Iterator[bytes]:
        file = self._file
        while file is not None and (block := file.read(_BLOCK)):
            *lines, self._rest = (self._rest + block).split(b"\n")
            for line in lines:
                yield line + b"\n"

    def _changed(self) -> bool:
        """Whether the path names another file now, or the same one, shorter than it was."""
        try:
            there = os.stat(self.path)
        except FileNotFoundError:
            return False  # rotated away, and the new one is not there yet
        if self._file is None:
            return True
        here = os.fstat(self._file.fileno())
        if (there.st_dev, there.st_ino) != (here.st_dev, here.st_ino):
            return True
        if here.st_size < self._file.tell():
            self._say(f"{self.path} was cut off; what was not read of it is lost")
            self._rest = b""
            self._file.seek(0)
        return False

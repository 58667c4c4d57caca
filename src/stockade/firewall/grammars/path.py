"""File paths: a value may name files below a folder; it may not climb out of it or name the root.

Where a path holds a `..` segment, no part of that segment may come from a value; and an absolute
value must not be the path's beginning. A path that the application has already resolved and checked
holds no `..` any more, and passes. Not seen here: a value that the application resolved and did
*not* check.

The path of the request's own URL is absolute by nature, and applications serve files by it. It is
judged only where it is the whole file path and leads into a folder of the operating system.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from stockade.core.inputs import Input, Inputs, Source
from stockade.firewall.grammars import Finding
from stockade.firewall.grammars.path_homes import home_folders, is_codes_own
from stockade.firewall.grammars.path_spellings import (
    collapse,
    may_respell,
    normalise,
    spellings,
)

__all__ = ["PathGrammar"]

_CLIMBS = re.compile(r"(?:\A|(?<=/))\.\.(?=/|\Z)")
_TWO_DOTS = re.compile(r"\.\.").search  # half the time of `in`, which is slow for equal letters
_ONLY_DOTS = re.compile(r"[./]*\Z").match
_SYSTEM = re.compile(  # Filesystem Hierarchy Standard 3.0, less what services are installed in
    r"/(?:bin|boot|dev|etc|home|lib|lib64|proc|root|run|sbin|sys|tmp|usr|var)(?:/|\Z)"
).match
_MAX_OWN, _MAX_CLEAN = 256, 2_048


class _Absolute(NamedTuple):
    item: Input
    folder: str
    """The value as an absolute path."""


class _Part(NamedTuple):
    item: Input
    text: str
    """What stands around or inside a `..` where the value brought one of its dots."""
    only_dots: bool


class _Values(NamedTuple):
    beginnings: tuple[str, ...]
    """How a text begins that may begin with an absolute value; few do."""
    absolute: tuple[_Absolute, ...]
    parts: tuple[_Part, ...]


_NONE = (_Values((), (), ()),)


def _lower(path: str) -> str:
    return path.lower() if path.isascii() else path


def _climbing(path: str) -> str:
    """The part of a climbing value that remains whatever is cut off before it, and its extension.

    A tail that is nothing but dots could as well be the developer's own: then the whole value.
    """
    start = 0
    if path[:3] != "../" and path != "..":
        start = path.find("/../") + 1 or (len(path) - 2 if path[-3:] == "/.." else 0)
        if not start:
            return ""
    tail = path[start:]
    stem, dot, extension = tail.rpartition(".")
    if dot and "/" not in extension and stem and stem[-1] not in "./":
        tail = stem
    return path if _ONLY_DOTS(tail) else tail


class PathGrammar:
    """The rule for paths of the operating system's own kind (POSIX)."""

    def __init__(self) -> None:
        # Beginnings of paths, up to their last `..`, that were opened without any value in it.
        self._own: dict[str, None] = {}
        # Paths in the folders of the code that were opened without any value in them.
        self._clean: dict[str, None] = {}

    def prepare(self, inputs: Inputs) -> tuple[_Values]:
        """Values that climb, are absolute, or bring a dot that could meet another.

        Never empty: a request without such values still teaches which `..` are the developer's.
        """
        shared = inputs.shared.derived("path", _sorted)
        own = _sorted(inputs.own)
        absolute = own.absolute + shared.absolute
        if not absolute and not own.parts and not shared.parts:
            return _NONE
        return (
            _Values(
                _beginnings(absolute),
                tuple(dict.fromkeys(absolute)),
                tuple(dict.fromkeys(own.parts + shared.parts)),
            ),
        )

    def check(self, text: str, values: tuple[_Values]) -> Finding | bool:
        """The first value by which `text` climbs or is absolute."""
        beginnings, absolute, parts = values[0]
        occurs = False
        if beginnings and (text.startswith(beginnings) or text == "/"):
            path = normalise(text)
            occurs, leading = _begins(path, absolute)
            if leading is not None and path not in self._clean:
                return Finding("path.absolute", _ABSOLUTE, leading.item, 0, len(leading.folder))
        dot = text.find(".")
        if dot >= 0 and _TWO_DOTS(text, dot):
            return self._check_climbs(normalise(text), parts, occurs)
        if not occurs and text.startswith(home_folders()) and text not in self._clean:
            _put(self._clean, normalise(text), _MAX_CLEAN)
        return occurs

    def _check_climbs(self, path: str, parts: tuple[_Part, ...], occurs: bool) -> Finding | bool:
        low = _lower(path)
        climbs = [match.span() for match in _CLIMBS.finditer(low)]
        if not climbs:
            return occurs
        starts, ends = zip(*climbs, strict=True)
        own = -1
        for item, part, only_dots in parts:
            at = low.find(part)
            while at >= 0:
                after = at + len(part)
                last = bisect_left(starts, after) - 1
                if last >= 0 and ends[last] > at:  # it holds a part of the last `..` before its end
                    occurs = True
                    if only_dots and own < 0:
                        own = self._own_until(path)
                    if not only_dots or ends[last] > own:
                        return Finding("path.climbs", _CLIMBING, item, at, after)
                at = low.find(part, at + 1)
        if not occurs:
            _put(self._own, path[: ends[-1]], _MAX_OWN)
        return occurs

    def _own_until(self, path: str) -> int:
        """How far `path` is the developer's own."""
        return max((len(own) for own in tuple(self._own) if path.startswith(own)), default=0)


def _put(kept: dict[str, None], text: str, most: int) -> None:
    """Remember `text`; the oldest is forgotten."""
    if text not in kept:
        if len(kept) >= most:
            kept.pop(next(iter(tuple(kept))), None)
        kept[text] = None


def _sorted(items: Iterable[Input]) -> _Values:
    """What can be dangerous of some values."""
    absolute: list[_Absolute] = []
    parts: list[_Part] = []
    seen: set[tuple[str, bool]] = set()
    for item in items:
        text = item.value
        if may_respell(text) or text[-1:] == "." or ".." in text:
            for value in spellings(text):
                known = (value, _is_url_path(item))
                if known not in seen:
                    seen.add(known)
                    _sort(item, value, absolute, parts)
    return _Values((), tuple(absolute), tuple(parts))


def _sort(item: Input, value: str, absolute: list[_Absolute], parts: list[_Part]) -> None:
    """Put what can be dangerous of one spelling of a value where it belongs."""
    path = normalise(value)
    if path[:1] == "/" and not (_is_url_path(item) and _SYSTEM(path) is None):
        absolute.append(_Absolute(item, path))
    found = []
    if climbing := _climbing(path):
        found.append(climbing)
    if value and (value[0] == "." or value[-1] == "."):
        # A dot at the value's edge and one of the developer's, or of another value, are two.
        found += [value, collapse(value)]
    for text in dict.fromkeys(map(_lower, found)):
        parts.append(_Part(item, text, _ONLY_DOTS(text) is not None))


def _beginnings(absolute: Sequence[_Absolute]) -> tuple[str, ...]:
    """First segments, and how a text begins whose first segment is not where it seems."""
    if not absolute:
        return ()
    segments = {"/" + value.folder.split("/", 2)[1] for value in absolute if value.folder != "/"}
    return (*segments, "//", "/.")


def _begins(path: str, absolute: tuple[_Absolute, ...]) -> tuple[bool, _Absolute | None]:
    """Whether a value is the beginning of `path`; one that decides where it leads."""
    occurs = False
    for value in absolute:
        if path.startswith(value.folder):
            occurs = True
            if _leads(path, value):
                return True, value
    return occurs, None


def _is_url_path(item: Input) -> bool:
    """Whether it is (part of) the request's path, and no parameter of the route."""
    return item.source == Source.PATH and not item.name


def _leads(path: str, value: _Absolute) -> bool:
    """Whether the absolute value, with which `path` begins, decides where the path leads."""
    folder = value.folder
    rest = path[len(folder) :]
    if not rest or _is_url_path(value.item):
        return not rest
    # `/t` is no part of `/tmp`; but a longer value followed by the developer's text is a prefix.
    joined = rest[0] not in "/." and folder.count("/") == 1
    return not (folder == "/" or joined or (rest[0] == "/" and is_codes_own(path, folder, rest)))


_CLIMBING = "A value of this request climbs out of the folder that a file is opened in."
_ABSOLUTE = (
    "A value of this request is the absolute path, or its beginning, of a file to be opened."
)

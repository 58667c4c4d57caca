"""What applications turn a value into before it becomes a path, beyond the decodings of `core`.

Those that mean well (backslashes turned, `../` cut out once, path parameters stripped) and those
that expand it (`~`, `$NAME`, `file:` addresses). UTF-8 in more bytes than it takes is undone as
lenient decoders do; Python has none, but applications bring their own (CWE-173, RFC 3629, 10).
"""

from __future__ import annotations

import os
import pwd
import re
from functools import cache

__all__ = ["collapse", "may_respell", "normalise", "spellings"]

_OVERLONG = re.compile(r"%(?:u00|c0%|e0%80%|f0%80%80%)(ae|af|2e|2f|5c|9c)", re.IGNORECASE)
_MEANT = {"ae": ".", "2e": ".", "af": "/", "2f": "/", "5c": "\\", "9c": "\\"}
_PARAMETERS = re.compile(r";[^/]*")
# Also as `urllib.parse.unwrap` takes addresses: `<URL:file:/x>` (RFC 3986, C).
_ADDRESS = re.compile(r"[\s<]*+(?:url:\s*+)?file:", re.IGNORECASE).match
_BEGINS = re.compile(r"[/.\\~$]|[\s<]*+(?:url:\s*+)?file:", re.IGNORECASE).match


def normalise(path: str) -> str:
    """`path` as the kernel reads it, but for `..` and links: no empty and no `.` segments."""
    path = collapse(path)
    while path[:2] == "./":
        path = path[2:]
    if path[-2:] == "/.":
        path = path[:-1]
    return path[:-1] if path[-1:] == "/" and len(path) > 1 else path


def collapse(path: str) -> str:
    """`path` without the empty and `.` segments between two slashes."""
    while "/./" in path:
        path = path.replace("/./", "/")
    while "//" in path:
        path = path.replace("//", "/")
    return path


def may_respell(value: str) -> bool:
    """Whether a value begins as a path does, or may be respelt to, or to have two dots."""
    return _BEGINS(value) is not None or "%" in value or "\0" in value


def spellings(value: str) -> list[str]:
    """`value` up to its first NUL, and what applications may have changed it to."""
    found = [value]
    if "\0" in value:  # truncated, as C does, or with the NUL filtered out
        found = [value.partition("\0")[0], value.replace("\0", "")]
    if "%" in value:
        found += [text for old in found if (text := _OVERLONG.sub(_meant, old)) != old]
    if "\\" in value or "%" in value:
        found += [old.replace("\\", "/") for old in found if "\\" in old]
    for text in tuple(found):
        found += _cut(text)
        found += _expanded(text)
    return found


def _meant(match: re.Match[str]) -> str:
    return _MEANT[match[1].lower()]


def _cut(text: str) -> list[str]:
    """What remains where `../`, `./` or path parameters (`..;/`) are cut out, but only once."""
    found = []
    for once in ("../", "./"):
        if once in text and (left := text.replace(once, "")) != text:
            found.append(left)
            if once in left:
                found.append(left.replace(once, ""))
    if ";" in text:
        found.append(_PARAMETERS.sub("", text))
    return found


def _expanded(text: str) -> list[str]:
    first = text[:1]
    if first == "$":
        return [os.path.expandvars(text)]
    if first == "~":
        name = text[1:].partition("/")[0]
        home = _homes().get(name)
        return [home + text[len(name) + 1 :]] if home else []
    address = _ADDRESS(text)
    return [] if address is None else _addressed(text[address.end() :])


def _addressed(rest: str) -> list[str]:
    """The paths that `file:` addresses lead to; what ends one, readers differ in."""
    rest = rest.rstrip().removesuffix(">").rstrip()
    path = "/" + rest[2:].partition("/")[2] if rest[:2] == "//" else rest
    without_tag = path.partition("#")[0]
    return list(dict.fromkeys((path, without_tag, without_tag.partition("?")[0])))


@cache
def _homes() -> dict[str, str]:
    """Where `os.path.expanduser` leads, by user name: read once, so that no value costs a look-up.

    Users of a directory service that does not enumerate them are not among them.
    """
    found = {entry.pw_name: entry.pw_dir.rstrip("/") for entry in pwd.getpwall()}
    return found | {"": os.path.expanduser("~").rstrip("/")}

"""What an application may turn an untrusted value into before it uses it.

Each decoder does at least what the usual libraries do, however lenient those are: what they read
out of a malformed text must be among our spellings too.
"""

from __future__ import annotations

import base64
import json
import re
import unicodedata
from functools import lru_cache
from http import cookies
from typing import Any
from urllib.parse import unquote, unquote_plus

import msgspec

__all__ = [
    "base64_spellings",
    "cookie_value",
    "decoded_spellings",
    "parse_json",
    "pieces",
    "read_json",
    "remembered_spellings",
    "strings_of",
]

_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}").search
_URL_SAFE = {ord("-"): "+", ord("_"): "/"}
_SEPARATORS = tuple(map(re.compile, (r"\s+", ":", ",", r"\|")))
_SEPARATED = re.compile(r"[\s:,|]").search
# Without one of these a piece of a value is part of no attack on its own.
_ACTS = re.compile(r"""['"`;()<>$&\\#*]|\.\.|--""").search
_MIN_PIECE, _MAX_PIECES = 8, 8


def parse_json(body: bytes | str) -> Any:
    """A JSON document as the usual parsers will see it, or None where there is none.

    Raises RecursionError for one that is nested deeper than this place in the program can read.
    """
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError):
        pass
    try:  # NaN, lone surrogates, UTF-16 and other spellings that the standard library takes
        return json.loads(body)
    except ValueError:
        return None


def read_json(body: bytes | str) -> Any:
    """As `parse_json`, and None for what is nested too deeply."""
    try:
        return parse_json(body)
    except RecursionError:
        return None


def strings_of(document: object) -> list[tuple[str, str, bool]]:
    """Every (name, string, whether it is a key) of a decoded JSON document.

    Negative numbers count as strings: after a developer's own `-` the sign begins a comment in SQL.
    """
    found: list[tuple[str, str, bool]] = []
    todo: list[tuple[str, object]] = [("", document)]
    while todo:
        name, value = todo.pop()
        if isinstance(value, str):
            found.append((name, value, False))
        elif isinstance(value, dict):
            for key, member in value.items():
                found.append((key, key, True))
                todo.append((key, member))
        elif isinstance(value, list):
            todo.extend((name, member) for member in value)
        elif isinstance(value, (int, float)) and repr(value)[0] == "-":
            found.append((name, repr(value), False))
    return found


def base64_spellings(value: str, *, latin: bool = False) -> list[str]:
    """What lenient Base64 decoders make of `value`, in both alphabets (RFC 4648).

    `latin`: also as Latin-1 where it is not UTF-8 (RFC 7617 leaves the charset open).
    """
    if not value.isascii():
        return []
    texts = [value]
    if "-" in value or "_" in value:
        texts.append(value.translate(_URL_SAFE))
    found = []
    for text in texts:
        try:
            data = base64.b64decode(text + "==")  # drops foreign characters by itself
        except ValueError:
            continue
        try:
            found.append(data.decode())
        except UnicodeDecodeError:
            if latin:
                found.append(data.decode("latin-1"))
    return found


def cookie_value(value: str) -> str:
    """A cookie's value as `http.cookies` unquotes it, which is what frameworks call."""
    unquoted: str = cookies._unquote(value)
    return unquoted


def _signed(value: str) -> list[str]:
    """`-01` is -1 to an application that declares a number."""
    for number in (int, float):
        try:
            return [str(number(value))]
        except (ValueError, OverflowError):
            continue
    return []


def decoded_spellings(value: str) -> tuple[str, ...]:
    """What an application may well turn `value` into before it uses it, two decodings deep.

    Percent and plus decoding, Base64, JSON strings, NFKC, stripped white space, signed numbers.
    Raises RecursionError as `parse_json` does.
    """
    if value.isascii() and value.isalnum() and len(value) < 8:
        return ()
    found: dict[str, None] = {}
    layer = [value]
    for _ in range(2):
        deeper: list[str] = []
        for text in layer:
            if _PERCENT(text):
                deeper += (unquote(text), unquote_plus(text))
            elif "+" in text:
                deeper.append(text.replace("+", " "))
            stripped = text.strip()
            if stripped != text:
                deeper.append(stripped)
            if not text.isascii():
                deeper.append(unicodedata.normalize("NFKC", text))
            first = stripped[:1]
            if first in ('"', "{", "["):
                deeper += (string for _, string, _ in strings_of(parse_json(stripped)))
            elif first == "-" and len(stripped) < 400:
                deeper += _signed(stripped)
            if len(text) >= 8:
                deeper += base64_spellings(text)
        layer = [text for text in dict.fromkeys(deeper) if text != value and text not in found]
        found.update(dict.fromkeys(layer))
        if not layer:
            break
    return tuple(found)


def pieces(value: str) -> list[str]:
    """The parts of `value` that applications take out of it, where they could be an attack alone.

    Between blanks, colons, commas or bars; and without the sign of a sort key (`-created`).
    """
    if _ACTS(value) is None:
        return []
    found = [value[1:]] if value[0] in "+-" else []
    if _SEPARATED(value):
        for separator in _SEPARATORS:
            found += separator.split(value, _MAX_PIECES)[:_MAX_PIECES]
    return [text for text in found if _MIN_PIECE <= len(text) < len(value) and _ACTS(text)]


remembered_spellings = lru_cache(maxsize=2_048)(decoded_spellings)
"""The same, for short values: they come again with every request of a client."""

"""Untrusted inputs: every value that a request brought, with the spellings it may be decoded to.

At most `InputLimits.values` values and `InputLimits.characters` characters are indexed. A request
that brings more is marked `overflow`, and a guarded sink then refuses it (413): none is skipped.
Contents of uploaded files are bounded by the body limit instead and are indexed only as a whole.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import parse_qsl, unquote, unquote_plus

import msgspec

__all__ = ["Input", "InputLimits", "Inputs", "Source", "decoded_spellings", "read_json"]

Pairs: TypeAlias = Iterable[tuple[str, str]]


class Source:
    """Where a value came from; the names that reports and events use."""

    PATH = "path"
    QUERY = "query"
    HEADER = "header"
    COOKIE = "cookie"
    FORM = "form"
    JSON_VALUE = "json_value"
    JSON_KEY = "json_key"
    BODY = "body"


class InputLimits(NamedTuple):
    """How much of a request is indexed: values, and characters of all values together."""

    values: int = 1_000
    characters: int = 1 << 20


class Input(NamedTuple):
    """One untrusted value: its source, the name it came under, the value as the client sent it."""

    source: str
    name: str
    value: str


class Inputs:
    """The untrusted values of one request, spellings included, without repetition."""

    __slots__ = ("_seen", "_size", "items", "limits", "overflow")

    def __init__(self, limits: InputLimits) -> None:
        self.limits = limits
        self.items: list[Input] = []
        self.overflow = False
        self._seen: set[str] = set()
        self._size = 0

    def __iter__(self) -> Iterator[Input]:
        return iter(self.items)

    def add(self, source: str, name: str, value: str) -> None:
        """Index one value and every decoded spelling of it."""
        # One character cannot both end a literal and say something.
        if len(value) < 2 or value in self._seen:
            return
        self._put(source, name, value)
        decode = _remembered if len(value) <= _MAX_REMEMBERED else decoded_spellings
        for spelling in decode(value):
            if len(spelling) > 1 and spelling not in self._seen:
                self._put(source, name, spelling)

    def _put(self, source: str, name: str, value: str) -> None:
        self._size += len(value)
        if len(self.items) >= self.limits.values or self._size > self.limits.characters:
            self.overflow = True
            return
        self._seen.add(value)
        self.items.append(Input(source, name, value))

    def add_file(self, name: str, value: str) -> None:
        """Index the content of an uploaded file as one value, outside the size limit."""
        if len(value) > 1 and value not in self._seen:
            self._seen.add(value)
            self.items.append(Input(Source.FORM, name, value))

    def add_pairs(self, source: str, pairs: Pairs) -> None:
        """Index names and values of a form or a query."""
        for name, value in pairs:
            self.add(source, name, name)
            self.add(source, name, value)

    def add_query(self, source: str, text: str) -> None:
        """Index an `application/x-www-form-urlencoded` text: a query or a form."""
        if not text:
            return
        try:
            pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=self.limits.values)
        except ValueError:
            self.overflow = True
            return
        self.add_pairs(source, pairs)
        if ";" in text or not pairs:  # frameworks that split at `;` see other values
            self.add(source, "", unquote_plus(text))

    def add_path(self, path: str, raw: str) -> None:
        """Index a path: as a whole, each segment, and each tail (`{name:path}` routes)."""
        for spelling in (path, raw):
            self.add(Source.PATH, "", spelling)
            segments = spelling.split("/")[:64]
            for segment in segments:
                self.add(Source.PATH, "", segment)
            for start in range(1, min(len(segments), 16)):
                self.add(Source.PATH, "", spelling.split("/", start)[-1])

    def add_header(self, name: str, value: str) -> None:
        """Index a header: its name, value, and the members of a list (RFC 9110, 5.6.1)."""
        self.add(Source.HEADER, name, name)
        self.add(Source.HEADER, name, value)
        if not value.isascii():
            try:
                self.add(Source.HEADER, name, value.encode("latin-1").decode())
            except UnicodeError:
                pass  # not UTF-8 behind the Latin-1: the value above is all there is
        scheme, space, rest = value.partition(" ")
        if space and name == "authorization":
            self.add(Source.HEADER, name, rest.strip())
            if scheme.lower() == "basic":
                for spelling in _base64(rest.strip()):
                    for part in spelling.split(":", 1):
                        self.add(Source.HEADER, name, part)
        if "," in value or ";" in value:
            for member in re.split("[,;]", value)[:64]:
                self.add(Source.HEADER, name, member.strip())

    def add_cookies(self, header: str) -> None:
        """Index the names and values of a Cookie header (RFC 6265)."""
        for pair in header.split(";"):
            name, _, value = pair.partition("=")
            name, value = name.strip(), value.strip()
            self.add(Source.COOKIE, name, name)
            if len(value) > 1 and value[0] == '"' == value[-1]:
                # Without the quotes, which are no part of the value and may well stand around it
                # in the developer's own text; whoever uses it with them uses what they enclose.
                value = value[1:-1]
                self.add(Source.COOKIE, name, re.sub(r"\\(.)", r"\1", value))
                self.add(Source.COOKIE, name, _octal(value))
            self.add(Source.COOKIE, name, value)

    def add_json(self, document: object, name: str = "") -> None:
        """Index every key and string of a decoded JSON document; the walk is not recursive."""
        todo: list[tuple[str, object]] = [(name, document)]
        while todo:
            name, value = todo.pop()
            if isinstance(value, str):
                self.add(Source.JSON_VALUE, name, value)
            elif isinstance(value, dict):
                for key, member in value.items():
                    self.add(Source.JSON_KEY, key, key)
                    todo.append((key, member))
            elif isinstance(value, list):
                todo.extend((name, member) for member in value)
            if self.overflow:
                return


def read_json(body: bytes) -> Any:
    """A JSON document as the application's parser will see it, or None where there is none."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:  # NaN, lone surrogates and other spellings that the standard library takes
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}\Z")
_OCTAL = re.compile(r"\\([0-3][0-7][0-7])")


def _octal(value: str) -> str:
    """Undo the octal escapes of a quoted cookie, as `http.cookies` does."""
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), value)


def _base64(value: str) -> list[str]:
    text = value.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, ValueError):
        return []
    return [decoded] if decoded.isprintable() else []


def _json_strings(value: str) -> list[str]:
    try:
        document: Any = msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return []
    strings: list[str] = []
    todo = [document]
    while todo and len(strings) < 64:
        member = todo.pop()
        if isinstance(member, str):
            strings.append(member)
        elif isinstance(member, dict):
            strings.extend(str(key) for key in member)
            todo.extend(member.values())
        elif isinstance(member, list):
            todo.extend(member)
    return strings


def decoded_spellings(value: str) -> tuple[str, ...]:
    """What an application may well turn `value` into before it uses it, two decodings deep.

    Percent and plus decoding, Base64, JSON strings, NFKC, stripped white space.
    """
    if value.isalnum() and value.isascii() and not (len(value) > 7 and _BASE64.match(value)):
        return ()
    found: list[str] = []
    layer = [value]
    for _ in range(2):
        deeper: list[str] = []
        for text in layer:
            if _PERCENT.search(text):
                deeper += (unquote(text), unquote_plus(text))
            elif "+" in text:
                deeper.append(text.replace("+", " "))
            stripped = text.strip()
            if stripped != text:
                deeper.append(stripped)
            if not text.isascii():
                deeper.append(unicodedata.normalize("NFKC", text))
            if stripped[:1] in ('"', "{", "["):
                deeper += _json_strings(stripped)
            if _BASE64.match(stripped):
                deeper += _base64(stripped)
        layer = [text for text in dict.fromkeys(deeper) if text != value and text not in found]
        found += layer
        if not layer:
            break
    return tuple(found)


_MAX_REMEMBERED = 256
# Header values come again with every request of a client.
_remembered = lru_cache(maxsize=2_048)(decoded_spellings)

"""Untrusted inputs: every value that a request brought, with the spellings it may be decoded to.

At most `InputLimits.values` values and `InputLimits.characters` characters are indexed. A request
that brings more is marked `overflow`, and a guarded sink then refuses it (413): none is skipped.
Contents of uploaded files are bounded by the body limit instead and are indexed only as a whole.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeAlias
from urllib.parse import parse_qsl, unquote_plus

from stockade.core.decoding import (
    cookie_value,
    decoded_spellings,
    parse_json,
    pieces,
    read_json,
    remembered_spellings,
    strings_of,
)
from stockade.core.fields import readings, remembered_readings

__all__ = ["Input", "InputLimits", "Inputs", "Source", "decoded_spellings", "read_json"]

Pairs: TypeAlias = Iterable[tuple[str, str]]

_MAX_REMEMBERED = 256
_MAX_TAILS = 256
# One letter, digit or blank is never more than a part of the token it stands in; one quote is.
_MUTE = frozenset(("", " ", "_", *string.ascii_letters, *string.digits))


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
    """How much of a request is indexed: values, and characters of all values together.

    A value of letters and digits alone counts as a tenth of one: hardly a check looks at it.
    """

    values: int = 5_000
    characters: int = 4 << 20


class Input(NamedTuple):
    """One untrusted value: its source, the name it came under, the value as the client sent it."""

    source: str
    name: str
    value: str


class Inputs:
    """The untrusted values of one request, spellings included, without repetition."""

    __slots__ = ("_count", "_seen", "_size", "items", "limits", "overflow")

    def __init__(self, limits: InputLimits) -> None:
        self.limits = limits
        self.items: list[Input] = []
        self.overflow = False
        self._seen: set[str] = set(_MUTE)
        self._size = 0
        self._count = 0.0

    def __iter__(self) -> Iterator[Input]:
        return iter(self.items)

    def add(self, source: str, name: str, value: str) -> None:
        """Index one value, every decoded spelling of it, and its separate parts."""
        if value in self._seen:
            return
        self._put(source, name, value)
        decode = remembered_spellings if len(value) <= _MAX_REMEMBERED else decoded_spellings
        for spelling in (*self._decode(decode, value), *pieces(value)):
            if spelling not in self._seen:
                self._put(source, name, spelling)

    def _decode(self, decode: Callable[[str], tuple[str, ...]], value: str) -> tuple[str, ...]:
        try:
            return decode(value)
        except RecursionError:  # what the application reads higher up the stack, we cannot
            self.overflow = True
            return ()

    def _put(self, source: str, name: str, value: str) -> None:
        self._size += len(value)
        self._count += 0.1 if value.isalnum() else 1
        if self._count > self.limits.values or self._size > self.limits.characters:
            self.overflow = True
            return
        self._seen.add(value)
        self.items.append(Input(source, name, value))

    def add_whole(self, source: str, name: str, value: str) -> None:
        """Index a file's content or a raw body as one value, outside the limits."""
        if value not in self._seen:
            self._seen.add(value)
            self.items.append(Input(source, name, value))

    def add_pairs(self, source: str, pairs: Pairs) -> None:
        """Index names and values of a form or a query."""
        for name, value in pairs:
            self.add(source, name, name)
            self.add(source, name, value)

    def add_query(self, source: str, text: str) -> None:
        """Index an `application/x-www-form-urlencoded` text, its bytes read as Latin-1.

        Frameworks differ in how they read bytes that should have been percent-encoded (WHATWG URL,
        5.1: UTF-8; Starlette: Latin-1), and in whether `;` separates.
        """
        if not text:
            return
        texts = [text]
        if not text.isascii():
            try:
                texts.append(text.encode("latin-1").decode("utf-8", "replace"))
            except UnicodeEncodeError:
                pass  # it was not bytes read as Latin-1, but text
        texts += [spelling.replace(";", "&") for spelling in texts if ";" in spelling]
        for spelling in texts:
            try:
                pairs = parse_qsl(
                    spelling, keep_blank_values=True, max_num_fields=self.limits.values
                )
            except ValueError:
                self.overflow = True
                return
            self.add_pairs(source, pairs)
        if ";" in text or "=" not in text:
            self.add(source, "", unquote_plus(text))

    def add_path(self, path: str, raw: str) -> None:
        """Index a path: as a whole, each segment, and each tail (`{name:path}` routes)."""
        for spelling in (path, raw):
            if spelling == "/" or spelling in self._seen:
                continue
            self.add(Source.PATH, "", spelling)
            segments = spelling.split("/")
            for segment in segments:
                self.add(Source.PATH, "", segment)
            for start in range(1, min(len(segments) - 1, _MAX_TAILS)):
                self.add(Source.PATH, "", spelling.split("/", start)[-1])
            if len(segments) > _MAX_TAILS:
                self.overflow = True

    def add_header(self, name: str, value: str) -> None:
        """Index a header: its name, value, members and credentials, unless it is an ordinary one.

        What is ordinary, `core.fields` says.
        """
        secret = name == "authorization" or len(value) > _MAX_REMEMBERED
        try:
            found = (readings if secret else remembered_readings)(name, value)
        except RecursionError:
            self.overflow = True
            found = (value,)
        for reading in found:
            if reading not in self._seen:
                self._put(Source.HEADER, name, reading)

    def add_cookies(self, header: str) -> None:
        """Index a Cookie header (RFC 6265): as it is, and the names and values in it."""
        if header not in self._seen:
            self._put(Source.HEADER, "cookie", header)
        for pair in header.split(";"):
            name, equals, value = pair.partition("=")
            name, value = name.strip(), value.strip()
            if not equals:  # a cookie without a name
                name, value = "", name
            self.add(Source.COOKIE, name, name)
            if len(value) > 1 and value[0] == '"' == value[-1]:
                # Without the quotes, which are no part of the value and may well stand around it
                # in the developer's own text; whoever uses it with them uses what they enclose.
                self.add(Source.COOKIE, name, cookie_value(value))
                value = value[1:-1]
            self.add(Source.COOKIE, name, value)

    def add_json(self, document: object) -> None:
        """Index every key and string of a decoded JSON document."""
        for name, value, is_key in strings_of(document):
            self.add(Source.JSON_KEY if is_key else Source.JSON_VALUE, name, value)
            if self.overflow:
                return

    def add_json_text(self, body: bytes) -> bool:
        """Index a JSON document, if `body` is one; say whether it is."""
        try:
            document = parse_json(body)
        except RecursionError:
            self.overflow = True
            return False
        self.add_json(document)
        return document is not None

"""Untrusted inputs: every value that a request brought, with the spellings it may be decoded to.

At most `InputLimits.values` values and `InputLimits.characters` characters are indexed. A request
that brings more is marked `overflow`, and a guarded sink then refuses it (413): none is skipped.
Contents of uploaded files are bounded by the body limit instead and are indexed only as a whole,
small ones with the fields in them that could act.

The headers that a client repeats with each request and that are no secrets are read once for all
of them (`Inputs.shared`); what may be a secret lives no longer than its request.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeAlias
from urllib.parse import unquote_plus

from stockade.core import fields
from stockade.core.decoding import (
    MIN_ENCODED,
    cookie_value,
    decoded_spellings,
    is_ordinary,
    parse_json,
    read_json,
    strings_of,
)
from stockade.core.input import MUTE, Input, Shared, Source
from stockade.core.pieces import ACTS, unframed
from stockade.core.spellings import spellings
from stockade.core.tokens import TooLarge
from stockade.core.urlencoded import pairs_of

__all__ = ["Input", "InputLimits", "Inputs", "Shared", "Source", "decoded_spellings", "read_json"]

Pairs: TypeAlias = Iterable[tuple[str, str]]

_MAX_TAILS = 256
_MAX_READ_TAILS = 8  # whose spellings are read; those of the whole and of each segment are
_MAX_SHARED = 256  # characters of one header value that is remembered
# What acts in a query that nobody decoded; `&` and `%` stand in every one.
_ACTS_RAW = re.compile(r"""['"`;()<>$\\|]""").search
# A name and a value that act neither alone nor together: nobody uses more of such a header.
_ONE_COOKIE = re.compile(r"\w++=\w[\w-]*+\Z", re.ASCII).match
_TOO_MUCH = (RecursionError, TooLarge)
_NO_HEADERS = Shared((), 0, 0)
_OPEN = frozenset((Source.PATH, Source.COOKIE))
_MIN_SECRET = 16  # characters: what these hold and nobody else must know is longer
_new = tuple.__new__  # a third of what the constructor of a NamedTuple costs


class InputLimits(NamedTuple):
    """How much of a request is indexed: values, and characters of all values together.

    A value of letters and digits alone counts as a tenth of one: hardly a check looks at it.
    """

    values: int = 5_000
    characters: int = 4 << 20


class Inputs:
    """The untrusted values of one request, spellings included, without repetition."""

    __slots__ = (
        "_added",
        "_characters",
        "_origins",
        "_seen",
        "_values",
        "limits",
        "overflow",
        "own",
        "shared",
    )

    def __init__(self, limits: InputLimits) -> None:
        self.limits = limits
        self.own: list[Input] = []
        """What this request brought by itself; with `shared`, everything."""
        self.shared = _NO_HEADERS
        """What its client sends with each request, for grammars to prepare once."""
        self.overflow = False
        self._seen: set[str] = set()
        self._added: set[str] = set()  # what came as a value, not as a spelling of another
        self._origins: dict[str, str] = {}
        self._characters = limits.characters  # how many more may come, and …
        self._values = limits.values * 10  # … how many more values, in tenths

    def __iter__(self) -> Iterator[Input]:
        yield from self.own
        yield from self.shared.items

    @property
    def items(self) -> list[Input]:
        """Every value, as a list."""
        return [*self.own, *self.shared.items]

    def add(self, source: str, name: str, value: str) -> None:
        """Index one value, every decoded spelling of it, and its separate parts."""
        size = len(value)
        if size < MIN_ENCODED and is_ordinary(value):
            self._put(source, name, value)
            return
        if value in self._added or value in MUTE or self.overflow:
            return
        self._added.add(value)
        self._put(source, name, value)
        is_open = value is name or (size < _MIN_SECRET and source in _OPEN)
        try:
            found = spellings(value, is_open=is_open)
        except _TOO_MUCH:  # what the application reads higher up the stack, we cannot
            self.overflow = True
            return
        for spelling in found:
            if spelling not in self._seen:
                self._origins[spelling] = value
                self._put(source, name, spelling)

    def origin(self, value: str) -> str:
        """The value that `value` was read out of; itself where it came by itself."""
        return value if value in self._added else self._origins.get(value, value)

    def _put(self, source: str, name: str, value: str) -> None:
        if value in self._seen or value in MUTE:
            return
        self._characters -= len(value)
        self._values -= 1 if value.isalnum() else 10
        if self._values < 0 or self._characters < 0:
            self.overflow = True
            return
        self._seen.add(value)
        self.own.append(_new(Input, (source, name, value)))

    def add_whole(self, source: str, name: str, value: str) -> None:
        """Index a file's content or a raw body as one value, outside the limits."""
        if value not in self._seen and value not in MUTE:
            self._seen.add(value)
            self.own.append(Input(source, name, value))

    def add_acting(self, source: str, name: str, values: Iterable[str]) -> None:
        """Index, outside the limits, those fields of a small file that could be an attack."""
        for value in map(unframed, values):
            if len(value) > 1 and ACTS(value):
                self.add_whole(source, name, value)

    def add_pairs(self, source: str, pairs: Pairs) -> None:
        """Index names and values of a form or a query; repeated ones also as servers join them."""
        by_name: dict[str, str] = {}
        repeated: dict[str, list[str]] = {}
        for name, value in pairs:
            self.add(source, name, name)
            self.add(source, name, value)
            if name in by_name:
                repeated.setdefault(name, [by_name[name]]).append(value)
            else:
                by_name[name] = value
        for name, values in repeated.items():
            self.add(source, name, ",".join(values))
            self._put(source, name, ", ".join(values))

    def add_query(self, source: str, text: str, charset: str = "utf-8") -> None:
        """Index an `application/x-www-form-urlencoded` text, its bytes read as Latin-1.

        `charset` is a codec's name: that of the bytes that are percent-encoded.
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
        if ";" in text:
            texts += [spelling.replace(";", "&") for spelling in texts]
        for spelling in texts:
            if spelling.count("&") >= self.limits.values:
                self.overflow = True
                return
            self.add_pairs(source, pairs_of(spelling, charset))
        if ";" in text or "=" not in text:
            self.add(source, "", unquote_plus(text))
        if _ACTS_RAW(text):
            self._put(source, "", text)

    def add_path(self, path: str, raw: str) -> None:
        """Index a path: as a whole, each segment, and each tail (`{name:path}` routes)."""
        for spelling in (path, raw):
            if spelling == "/" or spelling in self._added:
                continue
            self.add(Source.PATH, "", spelling)
            segments = spelling.split("/")
            for segment in segments:
                self.add(Source.PATH, "", segment)
            tail = spelling
            for number in range(1, min(len(segments) - 1, _MAX_TAILS)):
                tail = tail.partition("/")[2]
                if number < _MAX_READ_TAILS:
                    self.add(Source.PATH, "", tail)
                else:
                    self._put(Source.PATH, "", tail)
            if len(segments) > _MAX_TAILS:
                self.overflow = True

    def add_headers(self, headers: Iterable[tuple[str, str] | tuple[bytes, bytes]]) -> None:
        """Index all header fields, cookies among them; names in lower case.

        Texts, or bytes as ASGI has them: those of one request are all of one kind.
        """
        common: list[str | bytes] = []
        rest: list[tuple[str, str]] = []
        for name, value in headers:
            if name in fields.REPEATED and len(value) <= _MAX_SHARED:
                common += (name, value)
            else:
                rest.append((fields.text(name), fields.text(value)))
        try:
            self._share(fields.shared(tuple(common)))
        except _TOO_MUCH:
            self.overflow = True
        by_name: dict[str, str] = {}
        for name, text in rest:
            if name == "cookie":
                self.add_cookies(text)
                continue
            self.add_header(name, text)
            if name in by_name:  # as WSGI servers hand on a field that came more than once
                self.add_header(name, f"{by_name[name]},{text}")
            by_name[name] = text

    def _share(self, shared: Shared) -> None:
        if self.shared is not _NO_HEADERS or not self._seen.isdisjoint(shared.values):
            for item in shared.items:
                self._put(*item)
            return
        self.shared = shared
        self._seen |= shared.values
        self._characters -= shared.size
        self._values -= shared.tenths
        if self._values < 0 or self._characters < 0:
            self.overflow = True

    def add_header(self, name: str, value: str) -> None:
        """Index a header: its name, value, members and credentials, unless it is an ordinary one.

        What is ordinary, `core.fields` says.
        """
        try:
            found = fields.readings(name, value)
        except _TOO_MUCH:
            self.overflow = True
            found = (value,)
        for reading in found:
            self._put(Source.HEADER, name, reading)

    def add_cookies(self, header: str) -> None:
        """Index a Cookie header (RFC 6265): as it is, and the names and values in it."""
        if _ONE_COOKIE(header) is None:
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

"""What an application may turn an untrusted value into before it uses it.

Each decoder does at least what the usual libraries do, however lenient those are: what they read
out of a malformed text must be among our spellings too. `core.escapes`, `core.tokens` and
`core.graphql` hold the decoders of one kind each.
"""

from __future__ import annotations

import json
import re
import unicodedata
from http import cookies
from typing import Any

import msgspec

from stockade.core.escapes import (
    entities,
    hexadecimal,
    mail_words,
    overlong,
    percent,
    source_escapes,
)
from stockade.core.graphql import graphql_strings
from stockade.core.tokens import base32_spellings, base64_spellings, segments

__all__ = [
    "MIN_ENCODED",
    "cookie_value",
    "decoded_spellings",
    "is_ordinary",
    "parse_json",
    "read_json",
    "strings_of",
]

MIN_ENCODED = 8
"""Characters of the shortest token (Base64 and the like) that is decoded."""

is_ordinary = re.compile(r"[A-Za-z0-9_]++(?:[ ./-][A-Za-z0-9_]++)*+\Z").match
"""Words, numbers and paths: nothing to decode in them but tokens, and nothing that acts."""

_ESCAPED = re.compile(r"[%+&\\=]").search
_LISTED = re.compile(r"[.:,;|~!*]").search
_MAX_SIGNED = 400


def parse_json(body: bytes | str) -> Any:
    """A JSON document as the usual parsers will see it, or None where there is none.

    An object that holds a key twice is a list of objects: parsers differ in which of its values
    they keep. Raises RecursionError for a document that is nested deeper than this place in the
    program can read.
    """
    try:
        document = msgspec.json.decode(body)
        if _keeps_all(body, document):
            return document
    except (msgspec.DecodeError, UnicodeError):
        pass
    try:  # NaN, lone surrogates, UTF-16 and other spellings that the standard library takes
        return json.loads(body, object_pairs_hook=_object)
    except ValueError:
        return None


def _keeps_all(body: bytes | str, document: object) -> bool:
    """Whether no two keys of an object were equal: then as many colons are read as were written."""
    if isinstance(body, str):
        return body.count(":") < 2 or _keeps_all(body.encode("utf-8", "replace"), document)
    colons = body.count(b":")
    # `\u003a` is a colon in disguise.
    return colons < 2 or (
        b"\\u003" not in body and colons == msgspec.json.encode(document).count(b":")
    )


def _object(pairs: list[tuple[str, object]]) -> object:
    members = dict(pairs)
    return members if len(members) == len(pairs) else [{name: member} for name, member in pairs]


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


def _documents(text: str) -> list[str]:
    """The strings in a text that begins as JSON or GraphQL documents do."""
    document = parse_json(text) if text[0] in '"{[' else None
    if document is None:
        return graphql_strings(text)
    return [string for _, string, _ in strings_of(document)]


def _unescaped(text: str) -> list[str]:
    found: list[str] = []
    if "%" in text or "+" in text:
        found += percent(text)
        found += overlong(text)
    if "&" in text:
        found += entities(text)
    if "\\" in text or "%u" in text:
        found += source_escapes(text)
    if "=" in text:
        found += mail_words(text)
    return found


def _decode_once(text: str) -> list[str]:
    found = _unescaped(text) if _ESCAPED(text) else []
    stripped = text.strip()
    if stripped != text:
        found.append(stripped)
    if not text.isascii():
        found.append(unicodedata.normalize("NFKC", text))
    first = stripped[:1]
    if '"' in stripped or first == "[":
        found += _documents(stripped)
    elif first == "-" and len(stripped) < _MAX_SIGNED:
        found += _signed(stripped)
    if len(text) >= MIN_ENCODED:
        found += _tokens(text)
    return found


def _tokens(text: str) -> list[str]:
    found = base64_spellings(text)
    found += hexadecimal(text)
    if _LISTED(text):
        found += segments(text)
    if text.isupper():
        found += base32_spellings(text)
    return found


def decoded_spellings(value: str) -> tuple[str, ...]:
    """What an application may well turn `value` into before it uses it, two decodings deep.

    Percent (four deep) and plus decoding, references of HTML, escapes of source code, encoded mail
    words, Base64, Base32, hexadecimal text, signed tokens, the strings of JSON and GraphQL
    documents, NFKC, stripped white space, signed numbers. Raises RecursionError as `parse_json`
    does, and TooLarge for a compressed token.
    """
    layer: list[str] | None
    if is_ordinary(value):
        layer = _tokens(value) if len(value) >= MIN_ENCODED else None
    else:
        layer = _decode_once(value)
    if not layer:
        return ()
    found = {text: None for text in layer if text != value}
    for text in tuple(found):
        if len(text) >= MIN_ENCODED or not is_ordinary(text):
            found.update(dict.fromkeys(_decode_once(text)))
    found.pop(value, None)
    return tuple(found)

"""The bytes of a body, before any parser of the application reads them.

JSON has corners where two parsers disagree, and attackers live there: of two equal keys one reads
the first and one the last; NaN and 1e400 are numbers to some; a UTF-16 body is JSON to Python's
`json` and garbage to a proxy. Only what every parser reads alike passes (RFC 8259 with the
restrictions of RFC 7493, I-JSON; ASVS 5.0 V1.5.3, V2.2.1, V4.1.1).

One C parse decides most of it. Duplicate keys cost one C re-encoding more: a parser that keeps the
last of two equal keys drops at least one colon, so the body and what was read of it hold equally
many colons exactly if nothing was dropped. Only `\\u003a`, a colon in disguise, spoils the count;
a body that may hold one is read again, pair by pair.
"""

from __future__ import annotations

import json
import re
from typing import NoReturn
from urllib.parse import unquote_to_bytes

import msgspec

from stockade.core.errors import Rejected

__all__ = ["check_body"]

_JSON = re.compile(r"application/(?:json|[a-z0-9!#$&^_.-]+\+json)\Z|text/json\Z")
_FORM = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"
_UTF_8 = frozenset({"utf-8", "utf8"})
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_AS_SQUARE = bytes.maketrans(b"{}", b"[]")
_NO_BRACKET = bytes(byte for byte in range(256) if byte not in b"[]{}")
_BAD_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]\Z")


class _DuplicateKeyError(Exception):
    pass


def check_body(content_type: str, body: bytes, *, max_depth: int) -> None:
    """Refuse a complete `body` that its `content_type` does not describe, or that parsers dispute.

    Looks at JSON and form bodies and lets every other kind pass: what is no JSON to its label is
    none to a framework that reads the label. `max_depth` counts nested arrays and objects.
    Raises Rejected: 400 for bytes that cannot be read, 415 for an encoding other than UTF-8, 422
    for JSON that can be read in more than one way. The caller emits the event: it knows whether a
    refusal blocks or only observes.
    """
    media_type, _, parameters = content_type.partition(";")
    media_type = media_type.strip().lower()
    if media_type == _MULTIPART:
        _check_multipart(parameters)
    elif media_type == _FORM:
        _check_charset(parameters)
        _check_form(body)
    elif _JSON.match(media_type):
        _check_charset(parameters)
        if body:  # whether a body may be absent is the contract's business
            _check_json(body, max_depth)


def _refuse(rule: str, detail: str, status: int) -> NoReturn:
    kind = "malformed" if status == 400 else "rejected"
    raise Rejected(detail, status=status, kind=kind, rule=f"body.{rule}")


def _parameters(text: str) -> list[tuple[str, str]]:
    pairs = []
    for part in text.split(";"):
        name, _, value = part.partition("=")
        value = value.strip()
        if len(value) > 1 and value[0] == value[-1] == '"':
            value = value[1:-1]
        pairs.append((name.strip().lower(), value))
    return pairs


def _check_charset(parameters: str) -> None:
    if parameters:
        for name, value in _parameters(parameters):
            # `charset*`, `charset*0`: spellings of RFC 2231 that some parsers honour
            if name.partition("*")[0] == "charset" and value.lower() not in _UTF_8:
                _refuse("charset", "The body's charset is not supported: send UTF-8.", 415)


def _check_multipart(parameters: str) -> None:
    _check_charset(parameters)  # some frameworks decode every field by it
    boundaries = [
        value for name, value in _parameters(parameters) if name.partition("*")[0] == "boundary"
    ]
    if len(boundaries) != 1 or not _BOUNDARY.match(boundaries[0]):
        _refuse("multipart", "The multipart body's boundary is missing or malformed.", 400)


def _check_form(body: bytes) -> None:
    if _BAD_PERCENT.search(body):
        _refuse("form", "The form is malformed: a % stands for no byte.", 400)
    try:
        unquote_to_bytes(body).decode()
    except UnicodeDecodeError:
        _refuse("form", "The form is not UTF-8.", 400)


def _check_json(body: bytes, max_depth: int) -> None:
    if body.count(b"[") + body.count(b"{") > max_depth and _deeper(body, max_depth):
        _refuse("depth", "The JSON is nested too deeply, or a bracket is missing.", 400)
    try:
        document = msgspec.json.decode(body)
        read = msgspec.json.encode(document)
    except UnicodeDecodeError:
        _refuse("encoding", "The JSON is not UTF-8.", 400)
    except RecursionError:  # max_depth is set higher than the interpreter's own limit
        _refuse("depth", "The JSON is nested too deeply.", 400)
    except msgspec.ValidationError:  # 1e400 is infinity to Python's json; I-JSON forbids it
        _refuse("number", "The JSON holds a number that is out of range.", 422)
    except msgspec.DecodeError:
        _refuse("json", "The body is not JSON, or holds a lone surrogate.", 400)
    disguised = b"\\u003" in body
    if (not _unique(body)) if disguised else (body.count(b":") != read.count(b":")):
        _refuse("duplicate", "The JSON holds the same key twice in one object.", 422)


def _deeper(body: bytes, max_depth: int) -> bool:
    """Whether brackets outside strings nest deeper than `max_depth`, or do not match."""
    brackets = _STRING.sub(b"", body).translate(_AS_SQUARE, _NO_BRACKET)
    for _ in range(max_depth):  # each round takes the innermost level away
        if not brackets:
            return False
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)


def _unique(body: bytes) -> bool:
    try:
        json.loads(body, object_pairs_hook=_distinct)
    except (_DuplicateKeyError, ValueError):
        return False
    return True


def _distinct(pairs: list[tuple[str, object]]) -> None:
    if len({key for key, _ in pairs}) != len(pairs):
        raise _DuplicateKeyError

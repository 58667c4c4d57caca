"""JSON that every parser reads alike: RFC 8259 with the restrictions of RFC 7493, I-JSON.

JSON has corners where two parsers disagree, and attackers live there: of two equal keys one reads
the first and one the last; NaN and 1e400 are numbers to some; a UTF-16 body is JSON to Python's
`json` and garbage to a proxy (ASVS 5.0 V1.5.3, V2.2.1).

One C parse decides most of it. Duplicate keys cost one C re-encoding more: a parser that keeps the
last of two equal keys drops at least one colon, so the text and what was read of it hold equally
many colons exactly if nothing was dropped. Colons in disguise (`\\u003a`) are counted with them.
Depth is measured on what is JSON already, so that its strings can be cut out without a grammar.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import msgspec

from stockade.boundary.bodies.refusal import refuse

__all__ = ["read_json", "read_texts"]

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_AS_SQUARE = bytes.maketrans(b"{}", b"[]")
_NEITHER = bytes(byte for byte in range(256) if byte not in b'[]{}"')  # bracket nor quote


def read_json(body: bytes, max_depth: int) -> Any:
    """What `body` says, as Python's `json` reads it; `max_depth` counts arrays and objects.

    Raises Rejected: 400 for bytes that cannot be read or are nested too deeply, 422 for JSON that
    can be read in more than one way.
    """
    try:
        document = _decode(body)
        written = _encode(document)
    except _ERRORS as error:
        _refuse_for(error)
    _check(body, written, max_depth)
    return document


def read_texts(texts: Sequence[bytes], body: bytes, max_depth: int) -> list[Any]:
    """What each of `texts` says; together, with nothing but separators between, they are `body`.

    Raises Rejected, as `read_json`.
    """
    try:
        documents = [_decode(text) for text in texts]
        written = _encode(documents)
    except _ERRORS as error:
        _refuse_for(error)
    _check(body, written, max_depth)
    return documents


def _refuse_for(error: Exception) -> NoReturn:
    if isinstance(error, UnicodeDecodeError):
        refuse("encoding", "The JSON is not UTF-8.")
    if isinstance(error, RecursionError):
        refuse("depth", "The JSON is nested too deeply.")
    if isinstance(error, msgspec.ValidationError):  # 1e400 is infinity to Python's json
        refuse("number", "The JSON holds a number that is out of range.", 422)
    refuse("json", "The body is not JSON, or holds a lone surrogate.")


def _check(body: bytes, written: bytes, max_depth: int) -> None:
    """Refuse what is nested too deeply, and what was dropped while it was read."""
    count = body.count
    if count(b"[") + count(b"{") > max_depth and _deeper(body, max_depth):
        refuse("depth", "The JSON is nested too deeply.")
    if written == body:  # as browsers write it: nothing was dropped
        return
    colons = count(b":")
    if b"\\" in body and b"\\u003" in body:
        escapes = body.replace(b"\\\\", b"")  # an escaped backslash escapes nothing
        colons += escapes.count(b"\\u003a") + escapes.count(b"\\u003A")
    if colons != written.count(b":"):
        refuse("duplicate", "The JSON holds the same key twice in one object.", 422)


def _deeper(body: bytes, max_depth: int) -> bool:
    """Whether brackets outside strings nest deeper than `max_depth`; `body` is known to be JSON."""
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    brackets = body.translate(_AS_SQUARE, _NEITHER).replace(b'""', b"")
    if b'"' in brackets:  # a string with a bracket in it
        brackets = b"".join(brackets.split(b'"')[::2])
    for _ in range(max_depth):  # each round takes the innermost level away
        if not brackets:
            return False
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)

"""What a Content-Type says, in the one grammar that every parser reads alike (RFC 9110, 8.3.1).

Frameworks take the field apart in their own ways: to one, `application/ a+json` is JSON, to the
next it is nothing. What is no `token/token` is therefore refused, whatever it may have meant. The
charset is UTF-8, said or not: RFC 8259 knows no other for JSON, RFC 7578 and the URL standard none
for forms, and for XML (RFC 7303) a second one is how documents are smuggled past a check.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, NamedTuple

from stockade.boundary.bodies.refusal import refuse

__all__ = ["UTF_8", "Kind", "MediaType", "media_type"]

Kind = Literal["json", "lines", "sequence", "form", "multipart", "xml", "other"]

UTF_8 = frozenset({"utf-8", "utf8"})
_KINDS: dict[str, Kind] = {
    "application/json": "json",
    "text/json": "json",
    "application/x-ndjson": "lines",
    "application/ndjson": "lines",
    "application/jsonl": "lines",
    "application/x-jsonlines": "lines",
    "application/jsonlines": "lines",
    "application/json-seq": "sequence",
    "application/x-www-form-urlencoded": "form",
    "multipart/form-data": "multipart",
    "application/xml": "xml",
    "text/xml": "xml",
}
# Structured syntax suffixes: RFC 6839, RFC 8091
_SUFFIXES: dict[str, Kind] = {"json": "json", "json-seq": "sequence", "xml": "xml"}
_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_FIELD = re.compile(rf"({_NAME}/{_NAME})[ \t]*(;.*)?\Z", re.DOTALL)
# Unquoted values may hold what is strictly for quotes: boundaries of real clients do.
_PARAMETER = re.compile(
    rf';[ \t]*(?:({_NAME})[ \t]*=[ \t]*(?:"([^"\\]*+)"|([^\s";,\\]*+))[ \t]*)?(?=;|\Z)', re.DOTALL
)
# RFC 2046, 5.1.1, but for its length: that has 70, one in 400 of Werkzeug's client has more, and
# the parsers of the frameworks take 200.
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,199}[0-9A-Za-z'()+_,./:=?-]\Z")
_REMEMBERED = 128  # characters: longer ones are rare, and nobody shall fill memory with them


class MediaType(NamedTuple):
    """A media type: `name` in lower case, `boundary` only where the kind is `multipart`."""

    name: str
    kind: Kind
    boundary: str = ""


def media_type(content_type: str) -> MediaType:
    """Read the field. Raises Rejected: 400 for what is no media type, 415 for a charset."""
    if len(content_type) > _REMEMBERED:
        return _read(content_type)
    return _remembered(content_type)


def _read(content_type: str) -> MediaType:
    match = _FIELD.match(content_type.strip(" \t"))
    if match is None:
        refuse("content-type", "The Content-Type is no media type: write type/subtype, once.")
    name = match[1].lower()
    kind = _KINDS.get(name) or _SUFFIXES.get(name.rpartition("+")[2] if "+" in name else "")
    if kind is None:
        return MediaType(name, "other")
    boundary = _check_parameters(match[2] or "", kind)
    return MediaType(name, kind, boundary)


_remembered = lru_cache(maxsize=256)(_read)


def _check_parameters(text: str, kind: Kind) -> str:
    """The boundary, where there is one; refuses any charset but UTF-8."""
    boundaries = []
    position = 0
    while position < len(text):
        match = _PARAMETER.match(text, position)
        if match is None:
            refuse("content-type", "The parameters of the Content-Type are malformed.")
        position = match.end()
        # `charset*`, `charset*0`: spellings of RFC 2231 that some parsers honour
        name, star, _ = (match[1] or "").lower().partition("*")
        value = match[3] if match[2] is None else match[2]
        if name == "charset" and (star or value.lower() not in UTF_8):
            refuse("charset", "The body's charset is not supported: send UTF-8.", 415)
        if name == "boundary":
            boundaries.append("" if star else value)
    if kind != "multipart":
        return ""
    if len(boundaries) != 1 or not _BOUNDARY.match(boundaries[0]):
        refuse("multipart", "The multipart body's boundary is missing or malformed.")
    return boundaries[0]

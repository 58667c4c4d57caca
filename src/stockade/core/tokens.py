"""Base64 and what is built of it: JSON Web Tokens, signed and compressed session cookies.

A signature is no concern of ours: applications read tokens before they check them, or do not check.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib

from stockade.core.escapes import text_of

__all__ = ["MAX_INFLATED", "TooLarge", "base32_spellings", "base64_spellings", "segments"]

MAX_INFLATED = 65_536
"""Characters of one compressed value; what is larger is too large to index (`TooLarge`)."""

_BASE32 = re.compile(r"[A-Z2-7]{8,}={0,6}\Z").match
# JSON Web Signature (RFC 7515, 7.1), itsdangerous (`.` before it: compressed), django.core.signing;
# and lists of tokens. Blanks are in none of these.
_SIGNED = re.compile(
    r"\.?[A-Za-z0-9_-]{8,}+={0,2}(?:[.:][A-Za-z0-9_=-]*+)++\Z"
    r"|[A-Za-z0-9+/_-]++={0,2}(?:[,;|~!*][A-Za-z0-9+/_=-]*+)++\Z"
).match
_SEPARATORS = re.compile(r"[.:,;|~!*]")
_MIN_SEGMENT, _MAX_SEGMENTS = 8, 64


class TooLarge(ValueError):
    """What a value is inflated to is larger than what is indexed."""


def _usual(value: str) -> str:
    """The URL-safe alphabet in terms of the other one."""
    return value.replace("-", "+").replace("_", "/")


def base64_spellings(value: str, *, latin: bool = False) -> list[str]:
    """What lenient Base64 decoders make of `value`, in both alphabets (RFC 4648).

    `latin`: also as Latin-1 where it is not UTF-8 (RFC 7617 leaves the charset open).
    """
    if not value.isascii():
        return []
    texts = [value]
    if "-" in value or "_" in value:
        texts.append(_usual(value))
    found = []
    for text in texts:
        try:
            data = binascii.a2b_base64(text + "==")  # drops foreign characters by itself
        except ValueError:
            continue
        read = text_of(data)
        found += read
        if latin and not read:
            found.append(data.decode("latin-1"))
    return found


def base32_spellings(value: str) -> list[str]:
    """What a Base32 decoder makes of `value` (RFC 4648, 6)."""
    if _BASE32(value) is None:
        return []
    try:
        return text_of(base64.b32decode(value.rstrip("=") + "=" * (-len(value.rstrip("=")) % 8)))
    except ValueError:
        return []


def segments(value: str) -> list[str]:
    """The texts in the segments of a signed token, and in the members of a list of tokens.

    Raises TooLarge for a compressed one of more than MAX_INFLATED bytes.
    """
    if _SIGNED(value) is None:
        return []
    found: list[str] = []
    for segment in _SEPARATORS.split(value, _MAX_SEGMENTS)[:_MAX_SEGMENTS]:
        if len(segment) < _MIN_SEGMENT:
            continue
        try:
            data = binascii.a2b_base64(_usual(segment) + "==")
        except ValueError:
            continue
        found += text_of(_inflated(data) if data[:1] == b"x" else data)
    return found


def _inflated(data: bytes) -> bytes:
    """The content of a zlib stream (RFC 1950), or `data` where it is none."""
    stream = zlib.decompressobj()
    try:
        content = stream.decompress(data, MAX_INFLATED)
    except zlib.error:
        return data
    if not stream.eof and stream.unconsumed_tail:
        raise TooLarge
    return content

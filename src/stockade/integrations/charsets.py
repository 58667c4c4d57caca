"""The charset that a body, or a part of one, says it is in, where that is not UTF-8.

A label is believed only beside the usual readings: an application may heed it or not.
"""

from __future__ import annotations

import codecs
import re

__all__ = ["charset_of", "decoded"]

_CHARSET = re.compile(r"charset\*?\s*=\s*[\"']?([\w.:+-]{1,40})", re.IGNORECASE).search
# Not charsets but encodings of names; Python's decoders of these are quadratic.
_SLOW = frozenset(("idna", "punycode"))
_MAX_SLOW = 1_024
_USUAL = frozenset(("utf-8", "ascii"))


def charset_of(content_type: str) -> str:
    """The charset that a Content-Type names; empty where it is UTF-8, or unknown here."""
    match = _CHARSET(content_type)
    if match is None:
        return ""
    try:
        name = codecs.lookup(match[1]).name
    except LookupError:
        return ""
    return "" if name in _USUAL else name


def decoded(data: bytes, charset: str) -> str | None:
    """`data` read in `charset`; None where it is not in it, or no text comes out."""
    try:
        name = codecs.lookup(charset).name
        if name in _SLOW and len(data) > _MAX_SLOW:
            return None
        return data.decode(name)
    except (LookupError, ValueError):  # no such charset of texts, or the bytes are not in it
        return None

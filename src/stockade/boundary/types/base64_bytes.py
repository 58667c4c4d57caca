"""Bytes that came as Base64 text, in the one canonical encoding of them.

Source: RFC 4648, 3.3 and 3.5: no character outside the alphabet, padded, no bits behind the end, so
that two texts are never the same bytes. `base64url` is the URL- and filename-safe alphabet (5).
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from typing import Annotated, TypeAlias

from stockade.boundary.validator import rejects

__all__ = ["Base64Bytes", "Base64UrlBytes", "base64_bytes", "base64url_bytes"]

MAX_CHARACTERS = 1_398_104  # a mebibyte of bytes


def _decoded(value: str, alphabet: bytes) -> bytes:
    try:
        content = b64decode(value, altchars=alphabet, validate=True)
    except binascii.Error:
        raise ValueError from None
    if b64encode(content, alphabet).decode() != value:
        raise ValueError
    return content


@rejects(
    "Expected padded Base64 (RFC 4648).",
    min_length=0,
    max_length=MAX_CHARACTERS,
    contentEncoding="base64",
)
def base64_bytes(value: str) -> bytes:
    """The bytes that `value` encodes."""
    return _decoded(value, b"+/")


@rejects(
    "Expected padded base64url (RFC 4648).",
    min_length=0,
    max_length=MAX_CHARACTERS,
    contentEncoding="base64url",
)
def base64url_bytes(value: str) -> bytes:
    """The bytes that `value` encodes."""
    return _decoded(value, b"-_")


Base64Bytes: TypeAlias = Annotated[bytes, base64_bytes]
"""At most a mebibyte, sent as Base64 with `+` and `/`."""

Base64UrlBytes: TypeAlias = Annotated[bytes, base64url_bytes]
"""The same with `-` and `_`."""

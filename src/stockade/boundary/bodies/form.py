"""Forms (`application/x-www-form-urlencoded`, WHATWG URL, 5): text, encoded once, as UTF-8.

Stops a `%` that stands for no byte (kept by some parsers, dropped by others), bytes that are not
UTF-8, NUL (which ends a string for half of what lies behind a service), control characters that
are encoded twice (ASVS 5.0 V1.1.1), a `_charset_` field that asks for another charset, and more or
larger fields than agreed. Twice encoded tabs and line ends pass: a link to share text holds them,
and people put links into forms. So does any other text that merely looks encoded.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote_to_bytes

from stockade.boundary.bodies.media_type import UTF_8
from stockade.boundary.bodies.refusal import refuse

__all__ = ["check_form", "read_form"]

_BAD_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_CONTROL_ENCODED_AGAIN = re.compile(rb"%(?:25)+(?:0[0-8bBcCeEfF]|1[0-9A-Fa-f]|7[fF])")


def check_form(body: bytes, max_fields: int, max_field_bytes: int) -> None:
    """Refuse a form that cannot be read in one way; sizes in bytes, as sent, name included.

    Raises Rejected: 400, or 413 for more fields, or a larger one, than allowed.
    """
    if body.count(b"&") >= max_fields:
        refuse("fields", "The form has too many fields.", 413)
    if len(body) > max_field_bytes and max(map(len, body.split(b"&"))) > max_field_bytes:
        refuse("field-size", "A field of the form is too large.", 413)
    encoded = b"%" in body
    if encoded and _BAD_PERCENT.search(body):
        refuse("form", "The form is malformed: a % stands for no byte.")
    if b"\0" in body or b"%00" in body:
        refuse("form", "The form holds a NUL character.")
    if b"%25" in body and _CONTROL_ENCODED_AGAIN.search(body):
        refuse("double-encoding", "The form holds a control character that is encoded twice.")
    try:
        text = (unquote_to_bytes(body) if encoded else body).decode()
    except UnicodeDecodeError:
        refuse("form", "The form is not UTF-8.")
    if "_charset_" in text:
        _check_charset(body)


def read_form(body: bytes, max_fields: int, max_field_bytes: int) -> list[tuple[str, str]]:
    """Names and values in their order, empty ones too. Raises Rejected, as `check_form`."""
    check_form(body, max_fields, max_field_bytes)
    return _pairs(body)


def _pairs(body: bytes) -> list[tuple[str, str]]:
    return parse_qsl(body.decode(), keep_blank_values=True, errors="strict")


def _check_charset(body: bytes) -> None:
    for name, value in _pairs(body):
        if name == "_charset_" and value.lower() not in UTF_8:
            refuse("charset", "The form names a charset that is not supported: send UTF-8.", 415)

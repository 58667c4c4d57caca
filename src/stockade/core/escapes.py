"""Escapes that applications undo: of addresses, HTML, source code, hexadecimal text and mail.

Each function takes a text and gives what decoders make of it, also the lenient ones; nothing where
there is nothing to undo. None of them grows a text.
"""

from __future__ import annotations

import binascii
import html
import re
from urllib.parse import unquote, unquote_plus

__all__ = [
    "entities",
    "hexadecimal",
    "mail_words",
    "overlong",
    "percent",
    "source_escapes",
]

_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}").search
_OVERLONG = re.compile(
    r"%[cC]([01])%([89abAB])([0-9a-fA-F])|%[eE]0%8([01])%([89abAB])([0-9a-fA-F])"
)
_CODED = re.compile(
    r"\\u\{([0-9A-Fa-f]{1,6})\}|(?:\\u|%u)([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})|\\x([0-9A-Fa-f]{2})"
    r"|\\([0-7]{1,3})|\\(.)",
    re.DOTALL,
)
_REFERENCE = re.compile(r"&(?:#|\w+;|quot|QUOT|lt|LT|gt|GT|amp|AMP)").search
_NAMED = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "v": "\v", "a": "\a", "\n": ""}
_HEX = re.compile(r"(?:0x|0X|\\x|[xX]')?((?:[0-9A-Fa-f]{2}[ :-]?){2,})'?\Z").match
_QUOTED_PRINTABLE = re.compile(r"=[0-9A-Fa-f]{2}|=\r?\n").search
_MIN_HEX = 8  # digits: four characters
_MAX_ENCODED_WORDS = 1_024  # the decoder of the standard library is quadratic
_EXTENDED = re.compile(r"[\w.-]*'[\w-]*'").match


def percent(text: str) -> list[str]:
    """Percent and plus decoding (WHATWG URL), once and twice; and of RFC 8187 (`UTF-8''…`)."""
    if _PERCENT(text) is None:
        return [text.replace("+", " ")] if "+" in text else []
    once = unquote(text)
    found = [once, unquote_plus(text)]
    if "%" in once:
        found.append(unquote(once))
    extended = _EXTENDED(once) if "''" in text else None
    if extended is not None:
        found.append(once[extended.end() :])
    return found


def overlong(text: str) -> list[str]:
    """`%c0%a7`, which decoders that do not check UTF-8 take for a quote (RFC 3629, 10)."""
    if "%" not in text or _OVERLONG.search(text) is None:
        return []

    def character(match: re.Match[str]) -> str:
        high, middle, low = (group for group in match.groups() if group is not None)
        return chr((int(high, 16) << 6) + ((int(middle, 16) & 3) << 4) + int(low, 16))

    return [unquote(_OVERLONG.sub(character, text))]


def entities(text: str) -> list[str]:
    """HTML's character references, as `html.unescape` reads them.

    Without a semicolon only those that stand for a mark of ASCII: the others are no part of a form.
    """
    return [html.unescape(text)] if "&" in text and _REFERENCE(text) else []


def source_escapes(text: str) -> list[str]:
    r"""Escapes of JavaScript, JSON and Python outside literals: `\u0027`, `\x27`, `%u0027`."""
    if "\\" not in text and "%u" not in text:
        return []
    return [_CODED.sub(_coded, text)]


def _coded(match: re.Match[str]) -> str:
    braced, four, eight, two, octal, other = match.groups()
    digits = braced or four or eight or two
    if digits or octal:
        number = int(digits, 16) if digits else int(octal, 8)
        return chr(number) if number < 0x110000 else match[0]
    return str(_NAMED.get(other, other))


def hexadecimal(text: str) -> list[str]:
    """What `bytes.fromhex` makes of at least eight digits, if that is printable text."""
    match = _HEX(text)
    if match is None:
        return []
    digits = re.sub("[ :-]", "", match[1])
    if len(digits) < _MIN_HEX:
        return []
    return [spelling for spelling in text_of(binascii.unhexlify(digits)) if _is_text(spelling)]


# A byte that UTF-8 has not, or not there: found at once in what is no text, where an exception
# would cost three times as much.
_NOT_UTF_8 = re.compile(
    rb"[\xc0\xc1\xf5-\xff]|(?<![\x80-\xff])[\x80-\xbf]|[\xc2-\xf4](?![\x80-\xbf])"
).search


_ASCII = re.compile(r"[!-~]").search


def text_of(data: bytes) -> list[str]:
    """Bytes as UTF-8, and as UTF-16 where that is what they look like; nothing if they are not."""
    found: list[str] = []
    if _NOT_UTF_8(data) is None:
        try:
            found.append(data.decode())
        except UnicodeDecodeError:
            pass  # a surrogate, or an overlong sequence, perhaps of UTF-16 as below
    if b"\0" in data or data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        for charset in ("utf-16", "utf-16-be"):
            try:
                text = data.decode(charset)
            except UnicodeDecodeError:
                continue
            if _ASCII(text):  # anything is text in UTF-16; without a mark of ASCII it is none
                found.append(text)
    return found


def _is_text(spelling: str) -> bool:
    return all(character.isprintable() or character.isspace() for character in spelling)


def mail_words(text: str) -> list[str]:
    """Encoded words of headers (RFC 2047) and quoted-printable text (RFC 2045, 6.7)."""
    if "=" not in text:
        return []
    found = []
    if "=?" in text and "?=" in text and len(text) <= _MAX_ENCODED_WORDS:
        from email import errors, header  # two heavy modules for a rare value

        try:
            found.append(str(header.make_header(header.decode_header(text))))
        except (LookupError, ValueError, errors.MessageError):
            pass  # no such charset, or not encoded in it: no decoder gets a text out of it
    if text.isascii() and _QUOTED_PRINTABLE(text):
        found.append(binascii.a2b_qp(text).decode("utf-8", "replace"))
    return found

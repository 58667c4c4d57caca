"""The head of one part of a multipart body (RFC 7578, 4): what it is called, and what it is.

A check and an application that take different names for the same part see different requests.
Refused is what parsers are known to read differently: a parameter twice, the continuations of
RFC 2231 (`filename*0`), `name*`, folded lines, a backslash before a closing quote, a `filename*`
that contradicts `filename`, an encoding (some undo base64, some do not), a multipart in a part.

Accepted is what clients really send: browsers put `%22` for a quote and leave backslashes alone
(WHATWG HTML, 4.10.21.8), curl and httpx escape them, .NET leaves quotes out and sends both
spellings of a name, the old one as an encoded word (RFC 2047), old requests sends `filename*` only.
"""

from __future__ import annotations

import binascii
import re
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from stockade.boundary.bodies.refusal import refuse

__all__ = ["Part", "read_head"]

_MAX_LINES = 8
_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_LINE = re.compile(rf"({_NAME}):[ \t]*(.*)\Z")
_CONTROL = re.compile(r"[\0-\x08\n-\x1f\x7f]")
_DISPOSITION = re.compile(r"form-data[ \t]*(;.*)?\Z", re.IGNORECASE)
_PARAMETER = re.compile(
    rf';[ \t]*(?:({_NAME})[ \t]*=[ \t]*(?:"([^"\\]*+(?:\\.[^"\\]*+)*+)"|([^\s";\\]++))[ \t]*)?'
)
# Its quote is escaped to one parser and closes the value to the next.
_EITHER_QUOTE = re.compile(r'\\"[ \t]*(?:;|\Z)')
_EXTENDED = re.compile(
    r"utf-?8'[0-9A-Za-z-]*'((?:[\w!#$&+.^`|~-]|%[0-9A-Fa-f]{2})*)\Z", re.IGNORECASE | re.ASCII
)
_ENCODED_WORD = re.compile(r"=\?utf-8\?b\?([0-9A-Za-z+/=]*)\?=\Z", re.IGNORECASE)
_AS_IT_IS = frozenset({"7bit", "8bit", "binary"})


class Part(NamedTuple):
    """One part: `filename` is None for a plain field, `content_type` is empty where not said."""

    name: str
    filename: str | None
    content_type: str


def read_head(head: bytes) -> Part:
    """Read the lines between a delimiter and the content. Raises Rejected: 400, 415."""
    try:
        lines = head.decode().split("\r\n")
    except UnicodeDecodeError:
        refuse("part", "The head of a part is not UTF-8.")
    if len(lines) > _MAX_LINES:
        refuse("part", "The head of a part has too many lines.")
    fields: dict[str, str] = {}
    for line in lines:
        match = _LINE.match(line)
        if match is None or _CONTROL.search(line):
            refuse("part", "The head of a part is malformed.")
        name = match[1].lower()
        if name in fields and name.startswith("content-"):
            refuse("part", "The head of a part says something twice.")
        fields[name] = match[2].rstrip(" \t")
    if fields.get("content-transfer-encoding", "8bit").lower() not in _AS_IT_IS:
        refuse("transfer-encoding", "A part is encoded: send its bytes as they are.", 415)
    name, filename = _names(fields.get("content-disposition", ""))
    content_type = fields.get("content-type", "")
    said = content_type.lower()
    if said.startswith("multipart/") and (filename is None or "boundary" in said):
        refuse("multipart", "A part is a multipart body itself: send its files as parts.")
    return Part(name, filename, content_type)


def _names(disposition: str) -> tuple[str, str | None]:
    """The names of the field and of its file. Raises Rejected where there may be two readings."""
    match = _DISPOSITION.match(disposition)
    if match is None:
        refuse("part", "A part has no Content-Disposition of a form.")
    text = match[1] or ""
    if _EITHER_QUOTE.search(text):
        refuse("part", "A name ends with a backslash and a quote, which can be read in two ways.")
    given: dict[str, str] = {}
    position = 0
    while position < len(text):
        found = _PARAMETER.match(text, position)
        if found is None:
            refuse("part", "The Content-Disposition of a part is malformed.")
        position = found.end()
        if found[1] is None:
            continue
        key = found[1].lower()
        if key in given or ("*" in key and key != "filename*"):
            refuse("part", "A name in the head of a part is given twice, or in pieces.")
        given[key] = found[3] if found[2] is None else found[2]
    if "name" not in given:
        refuse("part", "A part has no name.")
    return given["name"], _filename(given.get("filename"), given.get("filename*"))


def _filename(plain: str | None, extended: str | None) -> str | None:
    if extended is None:
        return plain
    match = _EXTENDED.match(extended)
    if match is None:
        refuse("part", "A file's extended name is malformed, or not UTF-8.")
    try:
        filename = unquote_to_bytes(match[1]).decode()
    except UnicodeDecodeError:
        refuse("part", "A file's extended name is malformed, or not UTF-8.")
    if _CONTROL.search(filename):
        refuse("part", "A file's extended name holds a control character.")
    if plain is not None and filename not in (plain, _word(plain)):
        refuse("part", "A file has two names that contradict each other.")
    return filename


def _word(text: str) -> str | None:
    """What an encoded word says."""
    match = _ENCODED_WORD.match(text)
    if match is None:
        return None
    try:
        return binascii.a2b_base64(match[1], strict_mode=True).decode()
    except ValueError:
        return None

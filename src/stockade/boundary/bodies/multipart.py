"""Multipart forms (RFC 7578, RFC 2046, 5.1): where parts begin and end is the same to all parsers.

Only delimiters are searched for, by `bytes.find`, and only heads and plain fields are looked at: a
file is neither copied nor judged here (`stockade.boundary.Quarantine` does that), and the cost is
linear with a small factor.

Refused is a delimiter that some parser might see and another not (after a bare CR or LF, with
blanks or other text behind it, or inside a head), text before the first and after the last, and a
body that ends without its last delimiter. Plain fields are UTF-8 without NUL; a part that declares
a charset of its own passes only where all charsets agree, in ASCII. A field that says what it holds
(JSON, say) is judged like a body of that kind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from stockade.boundary.bodies.media_type import UTF_8
from stockade.boundary.bodies.part import Part, read_head
from stockade.boundary.bodies.refusal import refuse

__all__ = ["Judge", "check_multipart", "plain_fields"]

Judge = Callable[[str, bytes], None]
"""Takes content type and content of a field; raises Rejected."""

_MAX_HEAD = 8_192
_LINE_END = b"\r\n"
_ONLY_LINE_ENDS = re.compile(rb"(?:\r\n){0,2}")
_CHARSET = re.compile(r';[ \t]*charset(\*?)[^=]*=[ \t]*"?([^\s";]*)', re.IGNORECASE)
_WITH_ASCII = re.compile(r"(?:us-)?ascii|iso-?8859-\d+|latin-?1|windows-125\d", re.IGNORECASE)


def check_multipart(
    body: bytes, boundary: str, max_parts: int, max_field_bytes: int, judge: Judge
) -> None:
    """Refuse a multipart body that cannot be read in one way; `max_field_bytes` is for no file.

    Raises Rejected: 400, 413 for too many parts or too large a field, 415 for its encoding.
    """
    delimiter = b"--" + boundary.encode("ascii")
    lead = _ONLY_LINE_ENDS.match(body)
    at = lead.end() if lead else 0
    if not body.startswith(delimiter, at):
        refuse("multipart", "The multipart body does not begin with its boundary.")
    if b"\r" + delimiter in body:
        refuse("multipart", "A boundary in the multipart body follows no proper line end.")
    after = at + len(delimiter)
    for _ in range(max_parts + 1):
        if body.startswith(b"--", after):
            if _ONLY_LINE_ENDS.fullmatch(body, after + 2) is None:
                refuse("multipart", "The multipart body goes on after its end.")
            return
        after = _check_part(body, after, delimiter, max_field_bytes, judge)
    refuse("fields", "The multipart body has too many parts.", 413)


def plain_fields(body: bytes, boundary: str) -> Iterator[tuple[str, bytes]]:
    """Name and content of each field that is no file, of a body that `check_multipart` admits."""
    delimiter = b"\r\n--" + boundary.encode("ascii")
    for part in (b"\r\n" + body.lstrip(b"\r\n")).split(delimiter)[1:-1]:
        head, _, content = part.removeprefix(_LINE_END).partition(b"\r\n\r\n")
        read = read_head(head)
        if read.filename is None:
            yield read.name, content


def _check_part(
    body: bytes, start: int, delimiter: bytes, max_field_bytes: int, judge: Judge
) -> int:
    """Check the part behind the delimiter that ends at `start`; where the next delimiter ends."""
    if not body.startswith(_LINE_END, start):
        refuse("multipart", "A boundary in the multipart body is followed by other text.")
    end_of_head = body.find(b"\r\n\r\n", start, start + _MAX_HEAD)
    found = body.find(b"\n" + delimiter, start)
    if found < 0:
        refuse("multipart", "The multipart body ends without its last boundary.")
    if end_of_head <= start or found < end_of_head + 3:
        refuse("part", "The head of a part is missing, or has no end.")
    if body[found - 1 : found] != b"\r":
        refuse("multipart", "A boundary in the multipart body follows no proper line end.")
    part = read_head(body[start + 2 : end_of_head])
    if part.filename is None:
        if found - 1 - (end_of_head + 4) > max_field_bytes:
            refuse("field-size", "A field of the multipart body is too large.", 413)
        _check_field(part, body[end_of_head + 4 : found - 1], judge)
    return found + 1 + len(delimiter)


def _check_field(part: Part, content: bytes, judge: Judge) -> None:
    """Refuse the content of a plain field that can be read in two ways."""
    said = part.content_type
    if said and not said.lower().startswith("text/plain"):
        judge(said, content)
        if not said.lower().startswith("text/"):
            return
    for star, charset in _CHARSET.findall(said):
        if charset.lower() in UTF_8 and not star:
            continue
        if star or not content.isascii() or not _WITH_ASCII.fullmatch(charset):
            refuse("charset", "A part's charset is not supported: send UTF-8.", 415)
    if b"\0" in content:
        refuse("multipart", "A field of the multipart body holds a NUL character.")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        refuse("encoding", "A field of the multipart body is not UTF-8.")
    if part.name == "_charset_" and text.lower() not in UTF_8:
        refuse("charset", "The form names a charset that is not supported: send UTF-8.", 415)

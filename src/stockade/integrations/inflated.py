"""Bodies that were sent compressed, as an application that inflates them itself reads them.

Bounded: what is inflated to more than `limit` bytes is cut there, and the caller told so.
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

__all__ = ["Inflated", "documents", "inflated"]

_GZIP, _ZLIB, _RAW = 31, 15, -15  # the window and the format, as zlib.decompressobj takes them
_FORMATS = {
    "gzip": (_GZIP,),
    "x-gzip": (_GZIP,),
    "deflate": (_ZLIB, _RAW),  # RFC 9110, 8.4.1.2: zlib; some clients send it without its header
}
_MAGIC = b"\x1f\x8b\x08"
_MAX_CODINGS = 4
_COMPRESSED = (b"\x1f", b"x")  # gzip and zlib begin so, and no JSON document does in any charset


class Inflated(NamedTuple):
    """A body without its codings; `whole` is whether that is all of it."""

    body: bytes
    whole: bool


def inflated(body: bytes, codings: str, limit: int) -> Inflated | None:
    """`body` without `codings`, a Content-Encoding field; None where there is nothing to undo.

    Codings that the standard library does not know (`br`, `zstd`) are no reason to refuse: an
    application that undoes them is said to be out of reach in the threat model. A body that begins
    as gzip does is taken for it although nothing says so.
    """
    names = [name.strip().lower() for name in codings.split(",") if name.strip()]
    known = [name for name in reversed(names) if name in _FORMATS]
    if not known and body.startswith(_MAGIC):
        known = ["gzip"]
    found: Inflated | None = None
    for name in known[:_MAX_CODINGS]:
        once = _undone(body, _FORMATS[name], limit)
        if once is None:
            break
        found, body = once, once.body
        if not once.whole:
            break
    if found is not None and len(known) > _MAX_CODINGS:
        return found._replace(whole=False)
    return found


def documents(body: bytes, codings: str, limit: int) -> list[Inflated]:
    """`body` as parsers may read it: as it came, and without `codings` where they were applied.

    Who ignores the codings reads what came: it is left out only where it is no text.
    """
    content = inflated(body, codings, limit) if codings and body[:1] in _COMPRESSED else None
    if content is None:
        return [Inflated(body, True)]
    try:
        body.decode()
    except UnicodeDecodeError:
        return [content]
    return [Inflated(body, True), content]


def _undone(body: bytes, formats: tuple[int, ...], limit: int) -> Inflated | None:
    for window in formats:
        content, rest = bytearray(), body
        try:
            while rest and len(content) <= limit:  # gzip: members in a row are one content
                stream = zlib.decompressobj(window)
                content += stream.decompress(rest, limit + 1 - len(content))
                rest = stream.unused_data if window == _GZIP else b""
        except zlib.error:
            if not content:
                continue
        return Inflated(bytes(content[:limit]), len(content) <= limit)
    return None

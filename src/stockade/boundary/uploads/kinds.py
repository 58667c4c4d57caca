"""The kinds of content that are known here, and what their first bytes look like.

A kind is told by its content; a file name's extension has to agree, and the media type that the
client sent is not asked. Sources: ASVS 5.0 V5.2.2 (extension against content); WHATWG MIME
Sniffing, 6; PNG 3rd edition; RFC 8118 (PDF); POSIX.1-2024, pax (ustar).
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

__all__ = ["HEAD", "KINDS", "Kind", "is_svg", "looks_like", "sniff"]

HEAD: Final = 4_096
"""How many first bytes are looked at."""


class Kind(NamedTuple):
    """`extensions` are in lower case and start with a dot; the first is given to stored files."""

    name: str
    media_type: str
    extensions: tuple[str, ...]


_ALL = (
    Kind("jpeg", "image/jpeg", (".jpg", ".jpeg", ".jpe", ".jfif")),
    Kind("png", "image/png", (".png", ".apng")),
    Kind("gif", "image/gif", (".gif",)),
    Kind("webp", "image/webp", (".webp",)),
    Kind("tiff", "image/tiff", (".tiff", ".tif")),
    Kind("zip", "application/zip", (".zip",)),
    Kind("tar.gz", "application/gzip", (".tar.gz", ".tgz")),
    Kind("tar.bz2", "application/x-bzip2", (".tar.bz2", ".tbz2", ".tbz")),
    Kind("tar.xz", "application/x-xz", (".tar.xz", ".txz")),
    Kind("tar", "application/x-tar", (".tar",)),
    Kind("pdf", "application/pdf", (".pdf",)),
    Kind("csv", "text/csv", (".csv",)),
)
KINDS: Final = {kind.name: kind for kind in _ALL}

_MAGIC = {
    "jpeg": re.compile(rb"\xff\xd8\xff"),
    "png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "gif": re.compile(rb"GIF8[79]a"),
    "webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "tiff": re.compile(rb"II\*\x00|MM\x00\*"),
    "zip": re.compile(rb"PK(?:\x03\x04|\x05\x06)"),
    "tar.gz": re.compile(rb"\x1f\x8b\x08"),
    "tar.bz2": re.compile(rb"BZh[1-9](?:1AY&SY|\x17\x72\x45\x38\x50\x90)"),
    "tar.xz": re.compile(rb"\xfd7zXZ\x00"),
    "tar": re.compile(rb".{257}ustar(?:\x00| )", re.DOTALL),
    "pdf": re.compile(rb"%PDF-[12]\.[0-9]"),
}
_SVG = re.compile(rb"<(?:!DOCTYPE\s+)?(?:[a-z0-9]+:)?svg[\s>/]", re.IGNORECASE)


def looks_like(kind: str, head: bytes) -> bool:
    """Whether `head`, the first bytes of a file, begins as a file of this kind does."""
    magic = _MAGIC.get(kind)
    return magic is not None and magic.match(head) is not None


def sniff(head: bytes) -> str:
    """The name of the kind that `head` looks like; empty for what is not known here."""
    return next((name for name in _MAGIC if looks_like(name, head)), "")


def is_svg(head: bytes) -> bool:
    """Whether this may be an SVG document, in UTF-8 or UTF-16. Gzip hides one: not admitted."""
    return _SVG.search(head.replace(b"\x00", b"")) is not None

"""Tar, strictly: ustar with the long names of pax and GNU; files and folders, nothing else.

Links, devices, pipes and sparse files are refused, so that nothing can be written through a link
that came before. Headers that would have to be held in memory are at most a few kilobytes.

Sources: POSIX.1-2024, pax, "ustar Interchange Format" and "pax Extended Header"; GNU tar manual,
"Basic Tar Format"; CWE-22, CWE-59.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Protocol

from stockade.boundary.uploads.archives.budget import Budget, malformed
from stockade.boundary.uploads.archives.entry import CHUNK, Entry
from stockade.boundary.uploads.refusal import Unfit

__all__ = ["entries"]

_BLOCK: Final = 512
_MAX_HEADER: Final = 16_384
_MAX_HEADERS_IN_A_ROW: Final = 4
_FILE, _FOLDER = (b"0", b"\x00"), b"5"
_LINKS = (b"1", b"2", b"3", b"4", b"6")
_LONG_NAME, _PAX, _PAX_GLOBAL = b"L", b"x", b"g"
_RECORD = re.compile(rb"([0-9]{1,5}) ([^=\n]{1,255})=")
_OCTAL = re.compile(rb" *([0-7]{1,11})[ \x00]*\Z")


class _Stream(Protocol):
    def read(self, count: int, /) -> bytes: ...


def entries(stream: _Stream, budget: Budget) -> Iterator[Entry]:
    """The members, in order. Raises Unfit as soon as something is wrong."""
    long_name, extended, in_a_row = b"", {}, 0
    while header := _header(stream):
        kind, size = header[156:157], _number(header[124:136])
        if kind in (_LONG_NAME, _PAX, _PAX_GLOBAL):
            in_a_row += 1
            content = _small(stream, size, in_a_row)
            if kind == _LONG_NAME:
                long_name = content.rstrip(b"\x00")
            elif kind == _PAX:
                extended = _records(content)
            elif not _is_harmless(_records(content)):
                raise malformed()
            continue
        budget.member()
        name = _text(extended.get(b"path") or long_name or _short_name(header))
        if extended.get(b"size", b"%d" % size) != b"%d" % size:
            raise malformed()  # programs that do not know pax would read on elsewhere
        chunks = _content(stream, size)
        yield Entry(name, _is_folder(kind, name, size, extended), size, chunks)
        for _ in chunks:  # the next header stands behind what the caller did not read
            pass
        long_name, extended, in_a_row = b"", {}, 0
    if in_a_row:
        raise malformed()


def _header(stream: _Stream) -> bytes:
    """The next header; nothing at the end, which is two or more blocks of zeros and no more."""
    block = _exactly(stream, _BLOCK)
    if any(block):
        said, checked = _number(block[148:156]), block[:148] + b" " * 8 + block[156:]
        if said != sum(checked):
            raise malformed()
        return block
    _end(stream)
    return b""


def _end(stream: _Stream) -> None:
    if any(_exactly(stream, _BLOCK)):
        raise malformed()
    while rest := stream.read(CHUNK):
        if any(rest):
            raise malformed()


def _is_folder(kind: bytes, name: str, size: int, extended: dict[bytes, bytes]) -> bool:
    if kind in _LINKS:
        raise Unfit("archive-link", "The archive holds links or devices, which are not taken.")
    if any(key.startswith(b"GNU.sparse.") for key in extended):
        raise malformed()
    if kind == _FOLDER and not size:
        return True
    # Old programs say "folder" by a slash at the end of a file's name; newer ones may not agree.
    if kind not in _FILE or name.endswith("/"):
        raise malformed()
    return False


def _content(stream: _Stream, size: int) -> Iterator[bytes]:
    left = size
    while left:
        piece = _exactly(stream, min(left, CHUNK))
        left -= len(piece)
        yield piece
    _exactly(stream, -size % _BLOCK)


def _small(stream: _Stream, size: int, in_a_row: int) -> bytes:
    if size > _MAX_HEADER or in_a_row > _MAX_HEADERS_IN_A_ROW:
        raise malformed()
    return _exactly(stream, size + -size % _BLOCK)[:size]


def _records(content: bytes) -> dict[bytes, bytes]:
    """The records "length key=value\\n" of a pax header."""
    found: dict[bytes, bytes] = {}
    at = 0
    while at < len(content):
        match = _RECORD.match(content, at)
        end = at + int(match[1]) if match else 0
        if match is None or end > len(content) or end <= match.end() or content[end - 1] != 0x0A:
            raise malformed()
        if match[2] in found:
            raise malformed()
        found[match[2]] = content[match.end() : end - 1]
        at = end
    return found


def _is_harmless(records: dict[bytes, bytes]) -> bool:
    """Whether a global header only comments: git writes the commit's id so."""
    return set(records) <= {b"comment"}


def _short_name(header: bytes) -> bytes:
    name, prefix = header[:100].split(b"\x00")[0], b""
    if header[257:263] == b"ustar\x00":  # GNU's own headers have times in the prefix's place
        prefix = header[345:500].split(b"\x00")[0]
    return prefix + b"/" + name if prefix else name


def _text(name: bytes) -> str:
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError:
        raise malformed() from None


def _number(field: bytes) -> int:
    # GNU's binary numbers are for sizes above 8 GiB, which are not taken.
    match = _OCTAL.match(field)
    if match is None:
        raise malformed()
    return int(match[1], 8)


def _exactly(stream: _Stream, count: int) -> bytes:
    data = stream.read(count)
    if len(data) != count:
        raise malformed()
    return data

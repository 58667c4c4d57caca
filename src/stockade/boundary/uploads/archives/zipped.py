"""Zip, strictly: local headers and data in a row from the first byte, then the directory, the end.

No byte belongs to nobody and none to two members, so that nothing overlaps, hides between members
or stands before and after; each member's two headers agree; nothing is encrypted; the method is
stored or deflate; links and devices are refused. Archivers write this by default.

Sources: PKWARE APPNOTE 6.3.10, 4.3 and 4.4; Fifield, "A better zip bomb" (WOOT 2019); CWE-409.
"""

from __future__ import annotations

import io
import stat
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

from stockade.boundary.uploads.archives.budget import Budget, malformed
from stockade.boundary.uploads.archives.entry import CHUNK, Entry
from stockade.boundary.uploads.archives.inflate import decompressor
from stockade.boundary.uploads.refusal import Unfit

__all__ = ["entries"]

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_MAX_COMMENT: Final = 1_024
_ENCRYPTED, _DESCRIBED, _UTF8 = 0x0001 | 0x0040 | 0x2000, 0x0008, 0x0800
_REPARSE_POINT = 0x0400
_IN_ZIP64 = 0xFFFFFFFF


class _Member(NamedTuple):
    name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int


def entries(file: BinaryIO, budget: Budget) -> Iterator[Entry]:
    """The members in the order of their data. Raises Unfit as soon as something is wrong."""
    members, directory = _directory(file, budget)
    members.sort(key=lambda member: member.offset)
    ends = [member.offset for member in members[1:]] + [directory]
    # All of them before the first is inflated: overlapping members are what bombs are made of.
    if (members[0].offset if members else directory) != 0:
        raise malformed()
    starts = [_start(file, member, end) for member, end in zip(members, ends, strict=False)]
    for member, start in zip(members, starts, strict=True):
        chunks = _content(file, member, start, budget)
        name = _name(member)
        if name.endswith("/") and member.size:
            raise malformed()
        yield Entry(name, name.endswith("/"), member.size, chunks)
        for _ in chunks:  # what the caller did not read is checked all the same
            pass


def _directory(file: BinaryIO, budget: Budget) -> tuple[list[_Member], int]:
    length = file.seek(0, io.SEEK_END)
    tail_at = max(0, length - _END.size - _MAX_COMMENT)
    file.seek(tail_at)
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END.size:
        raise malformed()
    end = _END.unpack_from(tail, at)
    _, disk, first_disk, here, count, size, offset, comment = end
    if (disk, first_disk, here) != (0, 0, count) or at + _END.size + comment != len(tail):
        raise malformed()
    if offset + size != tail_at + at:
        raise malformed()
    file.seek(offset)
    members = []
    for _ in range(count):
        budget.member()
        members.append(_member(file))
    if file.tell() != offset + size:
        raise malformed()
    return members, offset


def _member(file: BinaryIO) -> _Member:
    raw = _exactly(file, _CENTRAL.size)
    (magic, made_by, _, flags, method, _, _, crc, packed, size, named, extra, comment, disk, _,
     attributes, offset) = _CENTRAL.unpack(raw)  # fmt: skip
    name = _exactly(file, named)
    packed, size, offset = _sizes(_exactly(file, extra), packed, size, offset)
    _exactly(file, comment)
    if magic != b"PK\x01\x02" or flags & _ENCRYPTED or method not in (0, 8) or disk or not name:
        raise malformed()
    kind = stat.S_IFMT(attributes >> 16) if made_by >> 8 in (3, 19) else 0  # Unix, macOS
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR) or attributes & _REPARSE_POINT:
        raise Unfit("archive-link", "The archive holds links or devices, which are not taken.")
    return _Member(name, flags, method, crc, packed, size, offset)


def _sizes(extra: bytes, packed: int, size: int, offset: int) -> tuple[int, int, int]:
    """The sizes and the offset, which may stand in a Zip64 field although they are small."""
    large = [value == _IN_ZIP64 for value in (size, packed, offset)]
    if not any(large):
        return packed, size, offset
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1 and length >= 8 * sum(large) and at + 4 + length <= len(extra):
            found = iter(struct.unpack_from(f"<{sum(large)}Q", extra, at + 4))
            size = next(found) if large[0] else size
            packed = next(found) if large[1] else packed
            return packed, size, next(found) if large[2] else offset
        at += 4 + length
    raise malformed()


def _start(file: BinaryIO, member: _Member, end: int) -> int:
    """Where the data begin, once the local header agrees and all up to `end` is accounted for."""
    file.seek(member.offset)
    magic, _, flags, method, _, _, crc, packed, size, named, extra = _LOCAL.unpack(
        _exactly(file, _LOCAL.size)
    )
    name = _exactly(file, named)
    known = (crc, packed, size) == (member.crc, member.packed, member.size)
    later = bool(flags & _DESCRIBED) or _IN_ZIP64 in (packed, size)
    if (
        magic != b"PK\x03\x04"
        or (flags, method, name) != (member.flags, member.method, member.name)
        or not (known or later)
    ):
        raise malformed()
    start: int = member.offset + _LOCAL.size + named + extra
    if start + member.packed + len(_descriptor(file, member, start, end)) != end:
        raise malformed()
    return start


def _descriptor(file: BinaryIO, member: _Member, start: int, end: int) -> bytes:
    """What follows the data: nothing, or size and checksum again in one of four forms."""
    between = end - start - member.packed
    if not member.flags & _DESCRIBED or between not in (12, 16, 20, 24):
        return b""
    file.seek(start + member.packed)
    found = _exactly(file, between)
    form = "<LLL" if between in (12, 16) else "<LQQ"
    sign = b"PK\x07\x08" if between in (16, 24) else b""
    right = sign + struct.pack(form, member.crc, member.packed, member.size)
    return found if found == right else b""


def _content(file: BinaryIO, member: _Member, start: int, budget: Budget) -> Iterator[bytes]:
    engine = decompressor("deflate") if member.method else None
    left, size, crc, at = member.packed, 0, 0, start
    while True:
        piece = b""
        if engine is None or engine.needs_input:
            file.seek(at)
            piece = _exactly(file, min(left, CHUNK))
            at += len(piece)
            left -= len(piece)
        if engine is not None:
            try:
                piece = engine.decompress(piece, CHUNK)
            except zlib.error:
                raise malformed() from None
        size += len(piece)
        if size > member.size:
            raise malformed()
        budget.expand(len(piece))
        crc = zlib.crc32(piece, crc)
        if piece:
            yield piece
        if engine is None and not left:
            break
        if engine is not None and (engine.eof or not (piece or left)):
            break
    if left or size != member.size or crc != member.crc:
        raise malformed()
    if engine is not None and (not engine.eof or engine.unused_data):
        raise malformed()


def _name(member: _Member) -> str:
    try:
        return member.name.decode("utf-8")  # macOS and Info-ZIP write it without the flag
    except UnicodeDecodeError:
        if member.flags & _UTF8:
            raise malformed() from None
        return member.name.decode("cp437")


def _exactly(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) != count:
        raise malformed()
    return data

"""WebP: the canvas of VP8X, the frames of ANMF and the size inside each bitstream must agree.

libwebp allocates two canvases as soon as it opens an animation. RFC 9649, 2.5 to 2.7; RFC 6386,
9.1 (VP8); RFC 9649, 3.4 (VP8L).
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import BinaryIO, Final

from stockade.boundary.uploads.headers.measured import (
    Limits,
    Measured,
    exactly,
    malformed,
    within,
)

__all__ = ["measure"]

_MAX_CHUNKS: Final = 10_000
_NEEDED = frozenset((b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"))
_METADATA: Final = 0x20 | 0x08 | 0x04  # VP8X's flags of profile, Exif and XMP
_ANMF: Final = 16


def measure(file: BinaryIO, limits: Limits) -> Measured:
    """Raises Unfit for what is damaged, endless or larger than `limits`."""
    riff = exactly(file, 12)
    length = struct.unpack_from("<I", riff, 4)[0] - 4
    if length > file.seek(0, io.SEEK_END) - 12:
        raise malformed()
    file.seek(12)
    width = height = frames = 0
    lossless = False
    kept: list[bytes] = []
    for kind, data in _chunks(exactly(file, length)):
        if kind not in _NEEDED:
            continue
        sizes = [_size(kind, data)]
        flags = b""
        if kind == b"VP8X":
            flags = bytes([data[0] & ~_METADATA])
        elif kind == b"ANMF":
            frames += 1
            sizes += [_size(inner, body) for inner, body in _chunks(data[_ANMF:])]
        lossless |= kind == b"VP8L" or (kind == b"ANMF" and data[_ANMF : _ANMF + 4] == b"VP8L")
        for wide, high in sizes:
            width, height = max(width, wide), max(height, high)
        within(limits, width, height, max(frames, 1))
        padding = b"\x00" * (len(data) & 1)
        kept.append(struct.pack("<4sI", kind, len(data)) + flags + data[len(flags) :] + padding)
    body = b"".join(kept)
    drawn = io.BytesIO(struct.pack("<4sI4s", b"RIFF", len(body) + 4, b"WEBP") + body)
    within(limits, width, height, max(frames, 1))
    return Measured(width, height, max(frames, 1), drawn, lossless)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 0
    for _ in range(_MAX_CHUNKS):
        if position >= len(data):
            return
        if position + 8 > len(data):
            raise malformed()
        kind, length = struct.unpack_from("<4sI", data, position)
        if position + 8 + length > len(data):
            raise malformed()
        yield kind, data[position + 8 : position + 8 + length]
        position += 8 + length + (length & 1)
    raise malformed()


def _size(kind: bytes, data: bytes) -> tuple[int, int]:
    try:
        if kind == b"VP8X":
            return _three(data, 4) + 1, _three(data, 7) + 1
        if kind == b"ANMF":
            wide, high = _three(data, 6) + 1, _three(data, 9) + 1
            return 2 * _three(data, 0) + wide, 2 * _three(data, 3) + high
        if kind == b"VP8 ":
            wide, high = struct.unpack_from("<HH", data, 6)
            return wide & 0x3FFF, high & 0x3FFF
        if kind == b"VP8L":
            bits = struct.unpack_from("<I", data, 1)[0]
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    except (struct.error, IndexError):
        raise malformed() from None
    return 0, 0


def _three(data: bytes, at: int) -> int:
    return data[at] | data[at + 1] << 8 | data[at + 2] << 16

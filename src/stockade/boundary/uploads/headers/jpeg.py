"""JPEG: the size is in the one SOF segment. ITU-T T.81, B; JFIF 1.02; Exif 2.32, 4.5.

Kept are JFIF, Adobe's colour transform and the first Exif segment, whose orientation is applied
before it goes; not the index of a second picture, comments, profiles, thumbnails of other makers.
A scan costs a pass over all pixels, so that their number is bounded: ten are usual.
"""

from __future__ import annotations

import io
import re
import struct
from typing import BinaryIO, Final

from stockade.boundary.uploads.headers.measured import (
    Limits,
    Measured,
    exactly,
    malformed,
    within,
)

__all__ = ["measure"]

_MAX_SEGMENTS: Final = 4_096
_MAX_SCANS: Final = 64
_CHUNK: Final = 1 << 16
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_APP0, _APP1, _APP14, _COMMENT = 0xE0, 0xE1, 0xEE, 0xFE
_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def measure(file: BinaryIO, limits: Limits) -> Measured:
    """Raises Unfit for what is damaged, endless or larger than `limits`."""
    drawn = io.BytesIO()
    drawn.write(exactly(file, 2))
    size = (0, 0)
    scans, exif = 0, False
    for _ in range(_MAX_SEGMENTS):
        marker = _marker(file)
        if marker == _EOI:
            drawn.write(b"\xff\xd9")
            within(limits, *size, 1)
            return Measured(*size, 1, drawn)
        if marker in range(0xD0, 0xD9) or marker in (0x00, 0x01):
            raise malformed()
        body = exactly(file, struct.unpack(">H", exactly(file, 2))[0] - 2)
        if marker in _SOF:
            if size != (0, 0):
                raise malformed()
            size = _size(body, limits)
        is_exif = marker == _APP1 and body.startswith(b"Exif\x00") and not exif
        exif |= is_exif
        if marker in (_APP0, _APP14) or is_exif or not (marker == _COMMENT or marker >> 4 == 0xE):
            drawn.write(struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body)
        if marker == _SOS:
            scans += 1
            if scans > _MAX_SCANS:
                raise malformed()
            _copy_scan(file, drawn)
    raise malformed()


def _size(body: bytes, limits: Limits) -> tuple[int, int]:
    if len(body) < 6:
        raise malformed()
    height, width = struct.unpack_from(">HH", body, 1)
    within(limits, width, height, 1)
    return width, height


def _marker(file: BinaryIO) -> int:
    if exactly(file, 1) != b"\xff":
        raise malformed()
    code = 0xFF
    while code == 0xFF:  # fill bytes
        code = exactly(file, 1)[0]
    return code


def _copy_scan(file: BinaryIO, drawn: io.BytesIO) -> None:
    """Copy entropy-coded data up to the next marker, which stays to be read."""
    while True:
        start = file.tell()
        data = file.read(_CHUNK)
        if len(data) < 2:
            raise malformed()
        found = _MARKER.search(data)
        if found is not None:
            drawn.write(data[: found.start()])
            file.seek(start + found.start())
            return
        # The last byte may be the first half of a marker.
        keep = len(data) - (data[-1] == 0xFF)
        drawn.write(data[:keep])
        file.seek(start + keep)

"""GIF: a frame may be larger than the screen that it is drawn on, and decoders grow it to fit.

Every image descriptor is looked at. GIF89a, 18 to 27.
"""

from __future__ import annotations

import io
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

_HEAD: Final = 13
_EXTENSION, _IMAGE, _TRAILER = b"\x21", b"\x2c", b"\x3b"
# Encoders fill blocks of 255 bytes; a file of tiny ones costs more time than it can be worth.
_MAX_BLOCKS: Final = 200_000


def measure(file: BinaryIO, limits: Limits) -> Measured:
    """Raises Unfit for what is damaged, endless or larger than `limits`."""
    head = exactly(file, _HEAD)
    width, height, flags = struct.unpack_from("<HHB", head, 6)
    _skip_colours(file, flags)
    frames, blocks = 0, 0
    while (kind := file.read(1)) not in (_TRAILER, b""):
        if kind == _EXTENSION:
            exactly(file, 1)
        elif kind == _IMAGE:
            left, top, wide, high, flags = struct.unpack("<HHHHB", exactly(file, 9))
            frames += 1
            width, height = max(width, left + wide), max(height, top + high)
            within(limits, width, height, frames)
            _skip_colours(file, flags)
            exactly(file, 1)
        else:
            raise malformed()
        blocks += _skip_blocks(file, _MAX_BLOCKS - blocks)
    if not frames:
        raise malformed()
    end = file.tell()
    file.seek(0)
    return Measured(width, height, frames, io.BytesIO(file.read(end)))


def _skip_colours(file: BinaryIO, flags: int) -> None:
    if flags & 0x80:
        exactly(file, 3 << ((flags & 7) + 1))


def _skip_blocks(file: BinaryIO, most: int) -> int:
    for count in range(most):
        length = exactly(file, 1)[0]
        if length == 0:
            return count + 1
        exactly(file, length)
    raise malformed()

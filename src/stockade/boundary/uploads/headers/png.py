"""PNG and APNG: the size is in IHDR, frames in acTL and fcTL. PNG 3rd edition, 5, 11.

Text and profiles are left out: inflated, each could hold a megabyte for a kilobyte.
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

_MAX_CHUNKS: Final = 65_536
_SIGNATURE: Final = 8
_NEEDED = frozenset((b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"acTL", b"fcTL", b"fdAT"))


def measure(file: BinaryIO, limits: Limits) -> Measured:
    """Raises Unfit for what is damaged, endless or larger than `limits`."""
    drawn = io.BytesIO()
    drawn.write(exactly(file, _SIGNATURE))
    width = height = promised = frames = 0
    for number in range(_MAX_CHUNKS):
        length, kind = struct.unpack(">I4s", exactly(file, 8))
        if (kind == b"IHDR") != (number == 0):
            raise malformed()
        if kind not in _NEEDED:
            _skip(file, length + 4)
            continue
        data = exactly(file, length + 4)
        if kind == b"IHDR":
            width, height = struct.unpack_from(">II", data)
        elif kind == b"acTL":
            promised = struct.unpack_from(">I", data)[0]
        elif kind == b"fcTL":
            frames += 1
        within(limits, width, height, max(promised, frames, 1))
        drawn.write(struct.pack(">I4s", length, kind) + data)
        if kind == b"IEND":
            return Measured(width, height, max(promised, frames, 1), drawn)
    raise malformed()


def _skip(file: BinaryIO, count: int) -> None:
    here = file.tell()
    if here + count > file.seek(0, io.SEEK_END):
        raise malformed()
    file.seek(here + count)

"""TIFF: pages, strips and tiles, each of which a decoder may allocate for. TIFF 6.0, 2, 8, 15.

Not taken, though TIFF: BigTIFF, more than four samples of more than sixteen bits, and compressions
that bring a decoder of their own. A TIFF is not cut down to what is drawn; its decoder gets it
whole.
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
from stockade.boundary.uploads.refusal import Unfit

__all__ = ["measure"]

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_MAX_ENTRIES: Final = 512
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _SAMPLES = 256, 257, 258, 259, 277
_TILE_WIDTH, _TILE_HEIGHT = 322, 323
_SINGLE = frozenset((_WIDTH, _HEIGHT, _COMPRESSION, _SAMPLES, _TILE_WIDTH, _TILE_HEIGHT))
# None, CCITT, LZW, JPEG, Deflate (two numbers), PackBits.
_COMPRESSIONS: Final = frozenset((1, 2, 3, 4, 5, 7, 8, 32_773, 32_946))


def measure(file: BinaryIO, limits: Limits) -> Measured:
    """Raises Unfit for what is damaged, endless or larger than `limits`."""
    length = file.seek(0, io.SEEK_END)
    file.seek(0)
    order = "<" if exactly(file, 4)[:2] == b"II" else ">"
    width = height = pages = 0
    seen: set[int] = set()
    while offset := struct.unpack(order + "I", exactly(file, 4))[0]:
        if offset in seen:
            raise malformed()
        seen.add(offset)
        file.seek(offset)
        tags = _directory(file, order, length)
        pages += 1
        wide, high = _page(tags, limits)
        width, height = max(width, wide), max(height, high)
        within(limits, width, height, pages)
    within(limits, width, height, pages)
    return Measured(width, height, pages, file)


def _directory(file: BinaryIO, order: str, length: int) -> dict[int, int]:
    """The entries of one page that hold one number each; the file is left at the next offset."""
    count = struct.unpack(order + "H", exactly(file, 2))[0]
    if count > _MAX_ENTRIES:
        raise malformed()
    raw = exactly(file, 12 * count)
    after = file.tell()
    tags: dict[int, int] = {}
    total = 0
    for start in range(0, len(raw), 12):
        tag, kind, values = struct.unpack_from(order + "HHI", raw, start)
        size = _SIZES.get(kind, 0) * values
        total += size
        # Many entries may share a value of megabytes that is read once for each.
        if total > length or tag in tags or (tag in _SINGLE and values != 1):
            raise malformed()
        if tag == _BITS and values > 4:
            raise _unusual()
        letter = {3: "H", 4: "I"}.get(kind)
        tags[tag] = 0
        if letter and values == 1:
            tags[tag] = struct.unpack_from(order + letter, raw, start + 8)[0]
        elif tag == _BITS and kind == 3:
            at = struct.unpack_from(order + "I", raw, start + 8)[0]
            tags[tag] = _largest(file, order, at, values, raw[start + 8 : start + 12])
    file.seek(after)
    return tags


def _largest(file: BinaryIO, order: str, at: int, values: int, inline: bytes) -> int:
    data = inline
    if values > 2:
        file.seek(at)
        data = exactly(file, 2 * values)
    return int(max(struct.unpack_from(f"{order}{values}H", data)))


def _page(tags: dict[int, int], limits: Limits) -> tuple[int, int]:
    width, height = tags.get(_WIDTH, 0), tags.get(_HEIGHT, 0)
    within(limits, width, height, 1)
    if _TILE_WIDTH in tags or _TILE_HEIGHT in tags:
        within(limits, tags.get(_TILE_WIDTH, 0), tags.get(_TILE_HEIGHT, 0), 1)
    if (
        tags.get(_SAMPLES, 1) not in range(1, 5)
        or tags.get(_BITS, 1) not in range(1, 17)
        or tags.get(_COMPRESSION, 1) not in _COMPRESSIONS
    ):
        raise _unusual()
    return width, height


def _unusual() -> Unfit:
    detail = "The picture is a TIFF of a kind that is not taken here. Send it as PNG."
    return Unfit("image-tiff", detail, status=415)

"""The layout of C2SP tlog-tiles: where tiles and entries are, and how they are written.

tile/<level>/<index>[.p/<width>]     256 hashes of 32 bytes; `.p/` where there are fewer yet
tile/entries/<index>[.p/<width>]     the entries below a tile of level 0, each after its length
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stockade.core.errors import AuditError

__all__ = [
    "CHECKPOINT",
    "LONGEST",
    "WIDTH",
    "entries_path",
    "pack",
    "partial_folder",
    "right_edge",
    "tile_path",
    "unpack",
]

CHECKPOINT = "checkpoint"
"""Where the newest checkpoint is."""
WIDTH = 256
"""Hashes of a full tile, entries of a full bundle."""
LONGEST = 65_535
"""Bytes of an entry: its length is written in two."""
_LENGTH_BYTES = 2


def tile_path(level: int, index: int, width: int = WIDTH) -> str:
    """The path of a tile of `width` hashes."""
    return f"tile/{level}/{_index(index)}{_partial(width)}"


def entries_path(index: int, width: int = WIDTH) -> str:
    """The path of a bundle of `width` entries."""
    return f"tile/entries/{_index(index)}{_partial(width)}"


def partial_folder(path: str) -> str:
    """The folder of the partial tiles that the full tile at `path` supersedes."""
    return f"{path}.p"


def right_edge(size: int) -> Iterator[tuple[int, int, int]]:
    """Level, index and width of the partial tiles of a tree of `size` leaves, leaves first."""
    level = 0
    while size:
        if width := size % WIDTH:
            yield level, size // WIDTH, width
        size //= WIDTH
        level += 1


def pack(entries: Sequence[bytes]) -> bytes:
    """A bundle. Raises OverflowError for an entry of more than LONGEST bytes."""
    return b"".join([len(entry).to_bytes(_LENGTH_BYTES, "big") + entry for entry in entries])


def unpack(data: bytes, width: int = WIDTH) -> list[bytes]:
    """The entries of a bundle. Raises AuditError unless it holds exactly `width`, and no more."""
    entries: list[bytes] = []
    at, end = 0, len(data)
    while at < end and len(entries) < width:
        start = at + _LENGTH_BYTES
        at = start + int.from_bytes(data[at:start], "big")
        entries.append(data[start:at])
    if at != end or len(entries) != width:
        raise AuditError(f"a bundle of {width} entries is cut short, or holds something else")
    return entries


def _index(index: int) -> str:
    """`1234067` is `x001/x234/067`."""
    path = f"{index % 1_000:03d}"
    while index := index // 1_000:
        path = f"x{index % 1_000:03d}/{path}"
    return path


def _partial(width: int) -> str:
    return "" if width == WIDTH else f".p/{width}"

"""A tree as its tiles say: roots, proofs, the right edge. Nothing is believed beyond its shape.

Whoever needs truth compares what comes out of here with a signed root.
"""

from __future__ import annotations

from collections import OrderedDict

from stockade.core.errors import AuditError
from stockade.watch.audit import merkle, tiles
from stockade.watch.audit.storage import Storage

__all__ = ["Tree"]

_TILE_HEIGHT = 8
_CACHED = 65_536  # nodes above the lowest tiles: 10 MB, and all of those of eight million entries
_MIDDLE = 4
_CACHED_MIDDLES = 16_384  # half a KiB each: those of four million entries


class Tree:
    """The first `size` entries of the log in `storage`. Errors: AuditError, OSError.

    Nodes above the lowest tiles are remembered, and some within them; they never change.
    """

    def __init__(self, storage: Storage, size: int) -> None:
        self.size = size
        self._storage = storage
        self._nodes: OrderedDict[tuple[int, int], bytes] = OrderedDict()
        self._ends: dict[int, bytes] = {}
        self._middles: OrderedDict[int, bytes] = OrderedDict()
        self._last: tuple[tuple[int, int], bytes] = ((-1, -1), b"")

    def root(self) -> bytes:
        """MTH of the tree."""
        return self.subtree(0, self.size)

    def inclusion(self, index: int) -> list[bytes]:
        """The inclusion proof of an entry."""
        try:
            return merkle.inclusion_proof(index, self.size, self.subtree)
        except ValueError:
            raise AuditError(
                f"there is no entry {index}: the log has {self.size}, numbered from 0"
            ) from None

    def consistency(self, old: int) -> list[bytes]:
        """The proof that the first `old` entries are a prefix."""
        try:
            return merkle.consistency_proof(old, self.size, self.subtree)
        except ValueError:
            raise AuditError(
                f"no tree of {old} entries can be part of this one of {self.size}"
            ) from None

    def entry(self, index: int) -> bytes:
        """An entry, as it was logged."""
        if not 0 <= index < self.size:
            raise AuditError(f"there is no entry {index}: the log has {self.size}")
        bundle, offset = divmod(index, tiles.WIDTH)
        return self.entries(bundle)[offset]

    def entries(self, bundle: int) -> list[bytes]:
        """The entries of a bundle, as many as the tree has of it."""
        width = min(tiles.WIDTH, self.size - bundle * tiles.WIDTH)
        for found in self._widths(width):
            data = self._storage.read(tiles.entries_path(bundle, found))
            if data is not None:
                return tiles.unpack(data, found)[:width]
        raise AuditError(f"the bundle of entries {bundle} ({width} entries) is missing")

    def removed(self, bundle: int) -> bool:
        """Whether a bundle is as retention leaves it: no entries, and yet their hashes."""
        width = min(tiles.WIDTH, self.size - bundle * tiles.WIDTH)
        read = (self._storage.read(tiles.entries_path(bundle, one)) for one in self._widths(width))
        if any(data is not None for data in read):
            return False
        try:
            return bool(self.hashes(0, bundle))
        except AuditError:
            return False

    def hashes(self, level: int, index: int) -> list[bytes]:
        """The hashes of a tile, as many as the tree has of it."""
        data = self._tile(level, index)
        return _cut(data, 0, len(data) // merkle.HASH_BYTES)

    def edge(self) -> tuple[list[bytes], list[list[bytes]]]:
        """The entries of the last bundle, and the hashes of the last tile of each level.

        Only partial ones: what is full has nothing to wait for.
        """
        levels: list[list[bytes]] = []
        entries: list[bytes] = []
        for level, index, _ in tiles.right_edge(self.size):
            levels += [[] for _ in range(level - len(levels))]
            levels.append(self.hashes(level, index))
            if level == 0:
                entries = self.entries(index)
        return entries, levels

    def subtree(self, start: int, end: int) -> bytes:
        """MTH(D[start:end]); `start` is a multiple of the next power of two."""
        if start == end:
            return merkle.EMPTY
        width = end - start
        height = width.bit_length() - 1
        if width & (width - 1):  # the right edge: there is one such range for each start
            node = self._ends.get(start)
            if node is None:
                middle = start + (1 << height)
                node = merkle.node_hash(self.subtree(start, middle), self.subtree(middle, end))
                self._ends[start] = node
            return node
        key = (height, start >> height)
        node = self._nodes.get(key)
        if node is None:
            node = self._node(*key)
            if height >= _TILE_HEIGHT:
                self._nodes[key] = node
                if len(self._nodes) > _CACHED:
                    self._nodes.popitem(last=False)
        return node

    def _node(self, height: int, index: int) -> bytes:
        level, rest = divmod(height, _TILE_HEIGHT)
        tile, offset = divmod(index << rest, tiles.WIDTH)
        if level == 0 and rest >= _MIDDLE and (tile + 1) * tiles.WIDTH <= self.size:
            middle, rest, offset = self._middle(tile), rest - _MIDDLE, offset >> _MIDDLE
            return merkle.fold(_cut(middle, offset, 1 << rest))
        return merkle.fold(_cut(self._tile(level, tile), offset, 1 << rest))

    def _middle(self, tile: int) -> bytes:
        """The sixteen nodes four steps above the leaves of a full tile."""
        middle = self._middles.get(tile)
        if middle is None:
            data, step = self._tile(0, tile), 1 << _MIDDLE
            middle = b"".join(
                [merkle.fold(_cut(data, at, step)) for at in range(0, tiles.WIDTH, step)]
            )
            self._middles[tile] = middle
            if len(self._middles) > _CACHED_MIDDLES:
                self._middles.popitem(last=False)
        return middle

    def _tile(self, level: int, index: int) -> bytes:
        """A tile, as wide as the tree needs it."""
        if self._last[0] == (level, index):
            return self._last[1]
        width = min(tiles.WIDTH, (self.size >> (_TILE_HEIGHT * level)) - index * tiles.WIDTH)
        for found in self._widths(width):
            data = self._storage.read(tiles.tile_path(level, index, found))
            if data is not None:
                if len(data) != found * merkle.HASH_BYTES:
                    raise AuditError(
                        f"the tile {index} of level {level} has not {found} hashes: it was changed "
                        "or cut short"
                    )
                data = data[: width * merkle.HASH_BYTES]
                self._last = ((level, index), data)
                return data
        raise AuditError(f"the tile {index} of level {level} ({width} hashes) is missing")

    def _widths(self, width: int) -> list[int]:
        """How wide the file may be: as wide as the tree needs, or full by now."""
        return [width] if width == tiles.WIDTH else [width, tiles.WIDTH]


def _cut(data: bytes, first: int, count: int) -> list[bytes]:
    """So many hashes of a tile, from the one at `first`."""
    size = merkle.HASH_BYTES
    return [data[at : at + size] for at in range(first * size, (first + count) * size, size)]

"""The right edge of a growing tree: what a batch adds, as the tiles that have to be written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stockade.watch.audit import merkle, tiles

__all__ = ["Edge"]


class Edge:
    """The partial tiles of a tree, in memory: at most 255 entries, and 255 hashes a level."""

    def __init__(
        self, size: int = 0, entries: Sequence[bytes] = (), levels: Sequence[list[bytes]] = ()
    ) -> None:
        """As `tree.Tree.edge` gives them."""
        self.size = size
        self._entries = list(entries)
        self._levels = [list(level) for level in levels]

    def append(self, entries: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
        """Add entries; name and content of each tile and bundle that became full.

        Must be read to its end: the tree has grown only then.
        """
        taken = 0
        while taken < len(entries):
            room = tiles.WIDTH - len(self._entries)
            some = entries[taken : taken + room]
            taken += len(some)
            self._entries += some
            self.size += len(some)
            level = self._level(0)
            level += merkle.leaf_hashes(some)
            if len(self._entries) == tiles.WIDTH:
                index = self.size // tiles.WIDTH - 1
                yield tiles.entries_path(index), tiles.pack(self._entries)
                self._entries.clear()
                yield from self._close(0)

    def partial(self) -> Iterator[tuple[str, bytes]]:
        """Name and content of each partial bundle and tile."""
        for level, index, width in tiles.right_edge(self.size):
            if level == 0:
                yield tiles.entries_path(index, width), tiles.pack(self._entries)
            yield tiles.tile_path(level, index, width), b"".join(self._levels[level])

    def root(self) -> bytes:
        """MTH of the whole tree."""
        root: bytes | None = None
        for hashes in self._levels:
            end = len(hashes)
            while end:
                width = end & -end
                node = merkle.fold(hashes[end - width : end])
                root = node if root is None else merkle.node_hash(node, root)
                end -= width
        return merkle.EMPTY if root is None else root

    def _level(self, level: int) -> list[bytes]:
        if level == len(self._levels):
            self._levels.append([])
        return self._levels[level]

    def _close(self, level: int) -> Iterator[tuple[str, bytes]]:
        """The tile of this level is full: its root goes a level up."""
        hashes = self._levels[level]
        index = (self.size >> (8 * (level + 1))) - 1
        yield tiles.tile_path(level, index), b"".join(hashes)
        above = self._level(level + 1)
        above.append(merkle.fold(hashes))
        hashes.clear()
        if len(above) == tiles.WIDTH:
            yield from self._close(level + 1)

"""Reading a whole log, and saying what is wrong with it.

Every entry is hashed again; tiles, root and signature are compared with what comes out, and so are
checkpoints that somebody kept. Without one of those the log can only be found consistent with
itself: whoever can sign may have made another. Memory stays flat, and a state can be kept to go on
from.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import msgspec

from stockade.core.errors import AuditError
from stockade.watch.audit import merkle, tiles
from stockade.watch.audit.checkpoint import Checkpoint
from stockade.watch.audit.markers import MARK, PRUNED, marker
from stockade.watch.audit.merkle import CompactRange
from stockade.watch.audit.note import Note, VerifierKey
from stockade.watch.audit.storage import Storage
from stockade.watch.audit.tree import Tree
from stockade.watch.audit.trust import Epoch, Finding, KeyChain

__all__ = ["Verification"]

MOST_FINDINGS = 100


class _State(msgspec.Struct, forbid_unknown_fields=True):
    verified: int
    range: list[bytes]
    levels: list[list[bytes]]
    epochs: list[Epoch]
    findings: list[Finding]
    untold: int
    missing_until: int
    minimum: int
    roots: dict[int, bytes]


class Verification:
    """Verifies the log in `storage`, up to the checkpoint that it has now.

    `earlier` are checkpoints that were kept; `trusted` are keys that are known from elsewhere. Run
    `steps` to its end, then read `findings` and `anchored`. Errors: OSError where something cannot
    be read.
    """

    def __init__(
        self,
        storage: Storage,
        *,
        earlier: Sequence[Note] = (),
        trusted: Collection[VerifierKey] = (),
    ) -> None:
        self.findings: list[Finding] = []
        self.untold = 0
        """Findings beyond the first hundred."""
        self.checkpoint: Checkpoint | None = None
        """The log's own; None where it has none that can be read."""
        self.chain = KeyChain()
        self.removed = 0
        """Entries that retention has removed, as the log says itself."""
        self.verified = 0
        """Entries so far."""
        self._storage = storage
        self._trusted = trusted
        self._earlier = sorted(
            ((Checkpoint.of(note), note) for note in earlier), key=lambda one: one[0].size
        )
        # The sizes whose roots are wanted, the smallest last.
        self._sizes = sorted({one.size for one, _ in self._earlier if one.size}, reverse=True)
        self._roots: dict[int, bytes] = {}
        self._range = CompactRange()
        self._levels: list[list[bytes]] = []
        self._missing_until = 0
        self._minimum = 0

    @property
    def anchored(self) -> bool:
        """Whether there was an earlier checkpoint to compare with."""
        return any(checkpoint.size for checkpoint, _ in self._earlier)

    def steps(self) -> Iterator[int]:
        """Verify; the number of entries that are done, now and then."""
        data = self._storage.read(tiles.CHECKPOINT)
        if data is None:
            self._found("the log has no checkpoint: it was removed, or this is no log")
            return
        try:
            note = Note.parse(data)
            self.checkpoint = checkpoint = Checkpoint.of(note)
        except AuditError as error:
            self._found(str(error))
            return
        tree = Tree(self._storage, checkpoint.size)
        for bundle in range(self.verified // tiles.WIDTH, -(-checkpoint.size // tiles.WIDTH)):
            self._bundle(tree, bundle)
            yield self.verified
        self._right_edge(tree)
        self._conclude(note, checkpoint)

    def state(self) -> bytes:
        """What it takes to go on later, as JSON; to be kept like the checkpoints."""
        state = _State(
            self.verified, self._range.roots, self._levels, self.chain.epochs, self.findings,
            self.untold, self._missing_until, self._minimum, self._roots,
        )  # fmt: skip
        return msgspec.json.encode(state)

    def resume(self, state: bytes) -> None:
        """Go on from there. Raises AuditError for what is no state, or not one for these
        checkpoints."""
        try:
            kept = msgspec.json.decode(state, type=_State)
            self._range = CompactRange(kept.verified, kept.range)
        except (msgspec.DecodeError, ValueError):
            raise AuditError("this is no state of an earlier run: remove it") from None
        self.verified, self._levels = kept.verified, kept.levels
        self.chain = KeyChain(kept.epochs)
        self.findings, self.untold = kept.findings, kept.untold
        self._missing_until, self._minimum = kept.missing_until, kept.minimum
        self._roots = kept.roots
        self._sizes = [size for size in self._sizes if size not in kept.roots]
        if self.verified % tiles.WIDTH or (self._sizes and self._sizes[-1] <= self.verified):
            raise AuditError(
                "the earlier run was past one of these checkpoints: remove its state to begin anew"
            )

    # -- entries and tiles -----------------------------------------------------------------------

    def _bundle(self, tree: Tree, bundle: int) -> None:
        first = bundle * tiles.WIDTH
        width = min(tiles.WIDTH, tree.size - first)
        try:
            stated = tree.hashes(0, bundle)
        except AuditError as error:
            self._found(str(error), first)
            stated = []
        try:
            entries = tree.entries(bundle)
        except AuditError as error:
            hashes = self._without(str(error), first, width, stated)
        else:
            hashes = merkle.leaf_hashes(entries)
            if stated and hashes != stated:
                self._compare(hashes, stated, first)
            for index, entry in enumerate(entries, first):
                if MARK in entry:
                    self._marker(index, entry)
        self._grow(tree, hashes)

    def _without(self, why: str, first: int, width: int, stated: list[bytes]) -> list[bytes]:
        """The entries are not there: only the tile says what they were."""
        if first == self._missing_until:
            self._missing_until = first + width  # perhaps by retention: a later entry says so
        else:
            self._found(why, first)
        return stated or [merkle.EMPTY] * width

    def _compare(self, hashes: list[bytes], stated: list[bytes], first: int) -> None:
        for index, (ours, theirs) in enumerate(zip(hashes, stated, strict=True), first):
            if ours != theirs:
                self._found("it is not what its tile says: one of them was changed", index)

    def _marker(self, index: int, entry: bytes) -> None:
        try:
            found = marker(entry)
        except AuditError as error:
            self._found(str(error), index)
            return
        if found is None:
            return
        if found.name == PRUNED:
            self._minimum = max(self._minimum, found.minimum)
        for finding in self.chain.take(index, found):
            self._add(finding)

    def _grow(self, tree: Tree, hashes: list[bytes]) -> None:
        start, end = self._range.size, self._range.size + len(hashes)
        while self._sizes and self._sizes[-1] <= end:
            part = CompactRange(start, self._range.roots)
            for leaf in hashes[: self._sizes[-1] - start]:
                part.append(leaf)
            self._roots[self._sizes.pop()] = part.root()
        if len(hashes) == tiles.WIDTH:
            root = merkle.fold(hashes)
            self._range.append(root, tiles.WIDTH)
            self._above(tree, 1, root)
        else:
            for leaf in hashes:
                self._range.append(leaf)
        self.verified = end

    def _above(self, tree: Tree, level: int, root: bytes) -> None:
        """A tile is full: its root stands in the tile above."""
        while len(self._levels) < level:
            self._levels.append([])
        hashes = self._levels[level - 1]
        hashes.append(root)
        if len(hashes) == tiles.WIDTH:
            index = (self._range.size >> (8 * (level + 1))) - 1
            self._tile(tree, level, index, hashes)
            above = merkle.fold(hashes)
            hashes.clear()
            self._above(tree, level + 1, above)

    def _right_edge(self, tree: Tree) -> None:
        for level, index, _ in tiles.right_edge(tree.size):
            if level and level <= len(self._levels):
                self._tile(tree, level, index, self._levels[level - 1])

    def _tile(self, tree: Tree, level: int, index: int, hashes: list[bytes]) -> None:
        try:
            same = tree.hashes(level, index) == hashes
        except AuditError as error:
            self._found(str(error))
            return
        if not same:
            self._found(f"tile {index} of level {level} is not what the tiles below it make")

    # -- roots and signatures --------------------------------------------------------------------

    def _conclude(self, note: Note, checkpoint: Checkpoint) -> None:
        if self._missing_until > self._minimum:
            missing = self._missing_until - self._minimum
            self._found(f"{missing} entries are missing, and the log does not say that they were "
                        "removed", self._minimum)  # fmt: skip
        self.removed = min(self._missing_until, self._minimum)
        if self._range.root() != checkpoint.root:
            self._found("the entries do not make the root that is signed: some were changed")
        for finding in self.chain.signed(note, checkpoint, self._trusted, "the checkpoint"):
            self._add(finding)
        for kept, kept_note in self._earlier:
            self._earlier_one(kept, kept_note, checkpoint)

    def _earlier_one(self, kept: Checkpoint, note: Note, now: Checkpoint) -> None:
        if kept.origin != now.origin:
            self._found("the earlier checkpoint is of another log: this one was put in its place")
        elif kept.size > now.size:
            self._found(
                f"the log has {now.size} entries and had {kept.size}: it was cut or rolled back"
            )
        elif kept.size and self._roots.get(kept.size) != kept.root:
            self._found(
                f"the first {kept.size} entries are not those that the earlier checkpoint stands "
                "for: some were changed, removed, added or moved"
            )
        elif self.chain.knows(kept.size):
            for finding in self.chain.signed(note, kept, (), "the earlier checkpoint"):
                self._add(finding)

    def _found(self, what: str, entry: int | None = None) -> None:
        self._add(Finding(what, entry))

    def _add(self, finding: Finding) -> None:
        if finding in self.findings:
            return
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(finding)
        else:
            self.untold += 1

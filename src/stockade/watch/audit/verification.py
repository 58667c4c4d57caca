"""Reading a whole log, and saying what is wrong with it.

Every entry is hashed again; tiles, root and signature are compared with what comes out, and so are
checkpoints that somebody kept. Without one of those the log can only be found consistent with
itself: whoever can sign may have made another. Memory stays flat, a state can be kept to go on
from, and a size that is made up does not keep us busy for ever.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

import msgspec

from stockade.core.errors import AuditError
from stockade.watch.audit import merkle, tiles
from stockade.watch.audit.checkpoint import Checkpoint
from stockade.watch.audit.earlier import Earlier
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

    `earlier` are checkpoints that were kept; `trusted` are keys that are known from elsewhere, of
    which `former` no longer sign, and `witnesses` those of witnesses that must have signed what was
    kept. Run `steps` to its end, then read `findings` and `earlier.anchored`. Errors: OSError where
    something cannot be read.
    """

    def __init__(
        self,
        storage: Storage,
        *,
        earlier: Sequence[Note] = (),
        trusted: Collection[VerifierKey] = (),
        former: Collection[VerifierKey] = (),
        witnesses: Collection[VerifierKey] = (),
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
        self.earlier = Earlier(earlier, trusted=trusted, former=former, witnesses=witnesses)
        """What came of comparing the checkpoints that were kept."""
        self._storage = storage
        self._trusted = trusted
        self._roots: dict[int, bytes] = {}
        self._sizes = self._wanted()
        self._range = CompactRange()
        self._levels: list[list[bytes]] = []
        self._missing_until = 0
        self._minimum = 0
        self._lost = 0
        self._before = b""

    def steps(self) -> Iterator[int]:
        """Verify; the number of entries that are done, now and then."""
        newest = self._newest()
        if newest is None:
            return
        yield from self._walk(newest[0])
        if self._missing_until > self._minimum and self._before:
            # Retention may have come meanwhile: it says so in an entry that is signed first.
            later = self._newest()
            if later and later[0].origin == newest[0].origin and later[0].size > newest[0].size:
                newest = later
                self.resume(self._before)
                yield from self._walk(newest[0])
        self.checkpoint = newest[0]
        if self._lost < MOST_FINDINGS:
            self._right_edge(Tree(self._storage, newest[0].size))
            self._conclude(*newest)

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
        self._sizes = self._wanted()
        if self.verified % tiles.WIDTH or (self._sizes and self._sizes[-1] <= self.verified):
            raise AuditError(
                "the earlier run was past one of these checkpoints: remove its state to begin anew"
            )

    def _wanted(self) -> list[int]:
        """The sizes whose roots are still wanted, the smallest last."""
        return sorted(self.earlier.sizes - self._roots.keys(), reverse=True)

    # -- entries and tiles -----------------------------------------------------------------------

    def _newest(self) -> tuple[Checkpoint, Note] | None:
        """The checkpoint that the log has now."""
        data = self._storage.read(tiles.CHECKPOINT)
        if data is None:
            self._found("the log has no checkpoint: it was removed, or this is no log")
            return None
        try:
            note = Note.parse(data)
            return Checkpoint.of(note), note
        except AuditError as error:
            self._found(str(error))
            return None

    def _walk(self, checkpoint: Checkpoint) -> Iterator[int]:
        """Read the bundles up to there, from where we are."""
        tree = Tree(self._storage, checkpoint.size)
        for bundle in range(self.verified // tiles.WIDTH, -(-tree.size // tiles.WIDTH)):
            if self._lost >= MOST_FINDINGS:
                self._found("so much is missing that the rest was not read")
                return
            if (bundle + 1) * tiles.WIDTH > tree.size:
                self._before = self.state()
            self._bundle(tree, bundle)
            yield self.verified
        if not tree.size % tiles.WIDTH:
            self._before = self.state()

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
            self._lost += not stated
            gone = tree.removed(bundle)
            hashes = self._without(str(error), first, width, stated, gone=gone)
        else:
            hashes = merkle.leaf_hashes(entries)
            if stated and hashes != stated:
                self._compare(hashes, stated, first)
            for index, entry in enumerate(entries, first):
                if MARK in entry:
                    self._marker(index, entry)
        self._grow(tree, hashes)

    def _without(
        self, why: str, first: int, width: int, stated: list[bytes], *, gone: bool
    ) -> list[bytes]:
        """The entries are not there, or damaged: only the tile says what they were."""
        if gone and first == self._missing_until:
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
            if 0 <= found.minimum <= index and found.minimum % tiles.WIDTH == 0:
                self._minimum = max(self._minimum, found.minimum)
            else:
                self._found("it says that entries were removed which nothing could remove", index)
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

    def _conclude(self, checkpoint: Checkpoint, note: Note) -> None:
        if self._missing_until > self._minimum:
            missing = self._missing_until - self._minimum
            self._found(f"{missing} entries are missing, and the log does not say that they were "
                        "removed", self._minimum)  # fmt: skip
        self.removed = min(self._missing_until, self._minimum)
        if self._range.root() != checkpoint.root:
            self._found("the entries do not make the root that is signed: some were changed")
        self._take(self.chain.begins(self.removed))
        self._take(self.chain.signed(note, checkpoint, self._trusted, "the checkpoint"))
        self._take(self.chain.trusts(checkpoint.size, self._trusted))
        self._take(self.earlier.compared(checkpoint, self._roots, self.chain))

    def _take(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
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

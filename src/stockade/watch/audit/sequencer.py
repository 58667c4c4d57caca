"""From the spool into the tree: one signature and one sync a batch.

Whoever holds the lock of the folder is the log's only author for a moment. A turn reads what the
spool has beyond the newest checkpoint, syncs it, writes the tiles that changed, and signs. From
then on these entries are durable, for the tiles can be computed from the spool again; so the tiles
themselves are synced (*settled*) only now and then, and a segment of the spool stays until they
are.

Two checkpoints that do not fit together are never signed. A turn goes on from the newest checkpoint
only if the tree below it is the one that was signed, extends every tree that this process has
signed or seen, and can be computed. Otherwise it refuses: AuditError, and the entries wait.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path

from stockade.core.errors import AuditError
from stockade.core.events import Event
from stockade.core.ports import LogSigner
from stockade.watch.audit import markers, segments, tiles
from stockade.watch.audit.backlog import SEAL_BYTES, Backlog
from stockade.watch.audit.checkpoint import Checkpoint
from stockade.watch.audit.edge import Edge
from stockade.watch.audit.note import Note, Signature, VerifierKey
from stockade.watch.audit.recovery import Signed, anchored, believed, edge_of, extends, replayed
from stockade.watch.audit.retention import expired, minimum_index
from stockade.watch.audit.storage import Directory, Storage

__all__ = ["ANCHOR", "Sequencer", "origin_of"]

ANCHOR = "anchor"
"""The newest checkpoint whose tiles outlive a power cut."""
SETTLE_BATCHES = 64
SETTLE_ENTRIES = 65_536


class Sequencer:
    """Makes the log in `folder`. Errors: AuditError, CryptoError, OSError.

    `signer` gives the signer of an origin; `mark` spools an entry of the log's own and says whether
    that succeeded.
    """

    def __init__(
        self,
        folder: Path,
        signer: Callable[[str], LogSigner],
        mark: Callable[[Event], bool],
        *,
        storage: Storage | None = None,
        origin: str = "",
    ) -> None:
        self.folder = folder
        self.storage = storage if storage is not None else Directory(folder / "log")
        self.last: Signed | None = None
        """The newest checkpoint of this log, as far as this process knows."""
        self.recovered = 0
        """How often tiles had to be computed again from the spool."""
        self._own = Directory(folder)
        self._signer_of = signer
        self._signer: LogSigner | None = None
        self._mark = mark
        self._origin = origin
        self._backlog = Backlog(folder / "spool")
        self._edge: Edge | None = None
        self._partial: set[str] = set()
        self._settled = -1
        self._batches = 0

    def turn(self) -> bool:
        """Take in what waits, and sign it; False where another process is at it."""
        with segments.exclusive(self.folder / "lock", wait=False) as locked:
            if not locked:
                return False
            signed = self._advance()
            if signed is not None and self._due(signed.checkpoint.size):
                self._settle(signed)
        return True

    def finish(self) -> bool:
        """A turn, and all that it takes to do without the spool's last segment."""
        with segments.exclusive(self.folder / "lock") as locked:
            if not locked or self.last is None:
                return False
            self._advance()
            self._backlog.seal(at_least=1)
            self._settle(self.last)
        return True

    def prune(self, before: datetime) -> int:
        """Remove the entries older than that; the first one kept, 0 where nothing was to be done.

        In two steps: what goes is an entry first, and goes once that is signed.
        """
        with segments.exclusive(self.folder / "lock") as locked:
            if not locked or self.last is None:
                return 0
            minimum = minimum_index(self.storage, self.last.checkpoint.size, before)
            names = list(expired(self.storage, minimum))
            if not names or not self._mark(markers.pruned(minimum, self.last.key)):
                return 0
            signed = self._advance()
            if signed is None:
                return 0
            self._settle(signed)
            self.storage.remove(names)
        return minimum

    @property
    def waits(self) -> bool:
        """Whether there is anything for a turn to do: entries, or a new key."""
        last, signer = self.last, self._signer
        if last is None or signer is None or self._backlog.waits:
            return True
        return signer.public_keys()[0] != last.key.public

    # -- with the folder's lock held -------------------------------------------------------------

    def _advance(self) -> Signed | None:
        """Sign all that the spool has by now; None where there is nothing new."""
        signer = self._signer = self._signer or self._signer_of(self._name())
        edge = self._catch_up(signer)
        key = self._key(signer)
        self._edge = None  # whatever interrupts us: the next turn begins at the checkpoint again
        signed = self._sign(edge, signer, key) if self._grow(edge) else None
        self._edge = edge
        return signed

    def _name(self) -> str:
        found = origin_of(self.folder)
        if found and self._origin not in ("", found):
            raise AuditError(
                "the audit log in this folder has another origin than watch.audit_origin says: "
                "give the new log a folder of its own"
            )
        if not found:
            found = self._origin or f"{socket.gethostname()}/audit-{secrets.token_hex(4)}"
            self._own.write("origin", f"{found}\n".encode())
            self._own.settle(["origin"])
        self._origin = found
        return found

    def _catch_up(self, signer: LogSigner) -> Edge:
        """Know the newest checkpoint, the tree below it, and where the spool goes on."""
        name = self._name()
        found = believed(self.storage.read(tiles.CHECKPOINT), name, signer)
        if self.last is not None:
            if found is None:
                raise AuditError(
                    "the audit log's checkpoint is gone or is none: somebody removed it"
                )
            if found.checkpoint != self.last.checkpoint:
                extends(self.storage, found.checkpoint, self.last.checkpoint)
            elif self._edge is not None:
                self._backlog.seek(found.checkpoint.size)
                return self._edge
        edge = None if found is None else edge_of(self.storage, found.checkpoint)
        if found is not None and self.last is None:  # who begins remembers nothing; the folder does
            anchor = believed(self._own.read(ANCHOR), name, signer)
            if anchor is not None and not anchored(self.storage, found, anchor):
                edge = None
        if edge is None:
            edge, found = self._replay(name, found, signer)
        self.last, self._partial = found, set()
        self._backlog.seek(edge.size)
        return edge

    def _replay(
        self, name: str, found: Signed | None, signer: LogSigner
    ) -> tuple[Edge, Signed | None]:
        data = self._own.read(ANCHOR)
        anchor = believed(data, name, signer)
        if anchor is None and data is not None:
            raise AuditError("the audit log's anchor is none: somebody changed it")
        edge = replayed(self.storage, self._backlog, anchor, found)
        if data is not None or found is not None:
            self.recovered += 1
        return edge, anchor if found is None else found

    def _key(self, signer: LogSigner) -> VerifierKey:
        """The key that signs this turn's checkpoint; a new one is made an entry first."""
        key = VerifierKey(self._name(), signer.public_keys()[0])
        last = self.last
        if last is not None and last.key == key:
            return key
        event = markers.opened(key) if last is None else markers.key_changed(last.key, key, signer)
        if not self._mark(event):
            raise AuditError("the audit log's new key cannot be noted: its spool takes nothing")
        return key

    def _grow(self, edge: Edge) -> bool:
        """Take in what the spool has; whether there was anything."""
        grown, end = False, self._backlog.end()  # what comes while we work is the next turn's
        while not self._backlog.reached(end) and (entries := self._backlog.take()):
            grown = True
            self._write(edge.append(entries))
        if grown:
            self._backlog.sync()
            # The upper ones seldom change: the same name always has the same content.
            partial = dict(edge.partial())
            self._write((name, partial[name]) for name in partial.keys() - self._partial)
            self._partial = set(partial)
        return grown

    def _sign(self, edge: Edge, signer: LogSigner, key: VerifierKey) -> Signed:
        checkpoint = Checkpoint(key.name, edge.size, edge.root())
        text = checkpoint.text()
        signature = Signature(key.name, key.key_id, signer.sign(text.encode(), key.public))
        note = Note(text, (signature,))
        self.storage.write(tiles.CHECKPOINT, note.encode())
        self.last = Signed(note, checkpoint, key)
        self._batches += 1
        return self.last

    def _write(self, files: Iterable[tuple[str, bytes]]) -> None:
        for name, data in files:
            self.storage.write(name, data)

    def _due(self, size: int) -> bool:
        grown = size - max(self._settled, 0)
        return self._settled < 0 or self._batches >= SETTLE_BATCHES or grown >= SETTLE_ENTRIES

    def _settle(self, signed: Signed) -> None:
        """Make the tiles durable, and let go of what they stand for."""
        data, size = self._own.read(ANCHOR), signed.checkpoint.size
        settled = 0 if data is None else Checkpoint.of(Note.parse(data)).size
        full = list(_full(settled, size))
        edge = [tiles.tile_path(*tile) for tile in tiles.right_edge(size)]
        if size % tiles.WIDTH:
            edge.append(tiles.entries_path(*divmod(size, tiles.WIDTH)))
        self.storage.settle((*full, *edge, tiles.CHECKPOINT))
        self._own.write(ANCHOR, signed.note.encode())
        self._own.settle([ANCHOR])
        self.storage.remove(map(tiles.partial_folder, full))
        self._settled, self._batches = size, 0
        self._backlog.seal(at_least=SEAL_BYTES)
        self._backlog.drop(size)


def origin_of(folder: Path) -> str:
    """The name of the log in `folder`; empty where it has none yet."""
    data = Directory(folder).read("origin")
    return "" if data is None else data.decode("utf-8", "replace").strip()


def _full(old: int, size: int) -> Iterator[str]:
    """The names of the tiles and bundles that became full between the two sizes."""
    for index in range(old // tiles.WIDTH, size // tiles.WIDTH):
        yield tiles.entries_path(index)
    level, width = 0, tiles.WIDTH
    while width <= size:
        for index in range(old // width, size // width):
            yield tiles.tile_path(level, index)
        level, width = level + 1, width * tiles.WIDTH

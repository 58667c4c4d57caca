"""What an audit log holds, for whoever reads it: tree first, then what waits in the spool."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from stockade.core.errors import AuditError
from stockade.watch.audit import segments, tiles
from stockade.watch.audit.checkpoint import Checkpoint
from stockade.watch.audit.note import Note
from stockade.watch.audit.storage import Directory, Storage
from stockade.watch.audit.tree import Tree

__all__ = ["entries", "is_audit_log"]


def is_audit_log(folder: Path) -> bool:
    """Whether this is a folder of an `AuditTrail`."""
    return (folder / "spool").is_dir() or (folder / "log" / tiles.CHECKPOINT).is_file()


def entries(folder: Path, storage: Storage | None = None) -> Iterator[bytes]:
    """Every entry that the folder has, in order, as it was logged; nothing of it is verified.

    Bundles that retention removed are passed over. Errors: AuditError, OSError.
    """
    if storage is None and not is_audit_log(folder):
        raise AuditError("there is no audit log in this folder")
    storage = storage if storage is not None else Directory(folder / "log")
    data = storage.read(tiles.CHECKPOINT)
    size = 0 if data is None else Checkpoint.of(Note.parse(data)).size
    tree, kept = Tree(storage, size), False
    for bundle in range(-(-size // tiles.WIDTH)):
        try:
            some = tree.entries(bundle)
        except AuditError:
            if kept or not tree.removed(bundle):  # a size that is made up would never end, too
                raise
            continue
        kept = True
        yield from some
    yield from _spooled(folder / "spool", size)


def _spooled(spool: Path, size: int) -> Iterator[bytes]:
    for segment in segments.segments(spool):
        if segment.path.is_fifo():
            raise AuditError("a segment of the spool is a pipe: somebody put it in its place")
        try:
            data = segment.path.read_bytes()
        except FileNotFoundError:  # all of it was in the tree by now
            continue
        lines = segments.entries_of(data[: data.rfind(b"\n") + 1])
        yield from lines[max(0, size - segment.base) :]

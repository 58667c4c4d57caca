"""Where a log stands: the newest checkpoint, whether it is believed, and the tree below it.

After a power cut tiles may be missing that were signed. They are computed again from the spool, and
must come out as they were signed.
"""

from __future__ import annotations

from typing import NamedTuple

from stockade.core.errors import AuditError
from stockade.core.ports import LogSigner
from stockade.watch.audit import merkle
from stockade.watch.audit.backlog import Backlog
from stockade.watch.audit.checkpoint import Checkpoint
from stockade.watch.audit.edge import Edge
from stockade.watch.audit.note import Note, VerifierKey
from stockade.watch.audit.storage import Storage
from stockade.watch.audit.tree import Tree

__all__ = ["Signed", "anchored", "believed", "edge_of", "extends", "replayed"]


class Signed(NamedTuple):
    """A checkpoint that we signed, or found and believe."""

    note: Note
    checkpoint: Checkpoint
    key: VerifierKey


def believed(data: bytes | None, name: str, signer: LogSigner) -> Signed | None:
    """The checkpoint in `data`; None where it is none, as a power cut leaves it.

    Raises AuditError for a checkpoint of another log, or by a key that is not ours.
    """
    if data is None:
        return None
    keys = [VerifierKey(name, public) for public in (*signer.public_keys(), *signer.former_keys())]
    try:
        note = Note.parse(data)
        checkpoint = Checkpoint.of(note)
        signers = note.signers(keys)
    except AuditError:
        return None
    if checkpoint.origin != name or not signers:
        raise AuditError(
            "the audit log's checkpoint is by no key of this keyring: the keyring was replaced, "
            "its key destroyed, or the log is another's; move the folder away to begin a new one"
        )
    return Signed(note, checkpoint, signers[0])


def extends(storage: Storage, new: Checkpoint, old: Checkpoint) -> None:
    """Return if the tree of `new` begins with that of `old`. Raises AuditError."""
    if new.size >= old.size:
        path = Tree(storage, new.size).consistency(old.size)
        if merkle.consistent(old.size, old.root, new.size, new.root, path):
            return
    raise AuditError(
        f"the audit log on disk (size {new.size}) does not extend the one that this process signed "
        f"or saw (size {old.size}): somebody rolled it back or replaced it"
    )


def anchored(storage: Storage, found: Signed, anchor: Signed) -> bool:
    """Whether the tree of `found` begins with the one that outlives power cuts; False where tiles
    are missing that would tell, as after one.

    Raises AuditError where it does not, as a backup of the log does not.
    """
    new, old = found.checkpoint, anchor.checkpoint
    if old.size > new.size:
        raise AuditError(
            f"the audit log is older than what was signed last (size {new.size}, not {old.size}), "
            "as one from a backup is: bring its newest state back, or begin a new log in a folder "
            "of its own"
        )
    try:
        Tree(storage, new.size).consistency(old.size)
    except AuditError:
        return False
    extends(storage, new, old)
    return True


def edge_of(storage: Storage, checkpoint: Checkpoint) -> Edge | None:
    """The tree's right edge by its tiles; None where they are not those of the checkpoint."""
    try:
        tree = Tree(storage, checkpoint.size)
        edge = Edge(tree.size, *tree.edge())
        whole = tree.root()
    except AuditError:
        return None
    return edge if edge.root() == whole == checkpoint.root else None


def replayed(
    storage: Storage, backlog: Backlog, anchor: Signed | None, found: Signed | None
) -> Edge:
    """The edge of `found`, its tiles written again from the anchor on; without one, the anchor's.

    Raises AuditError where what is left does not make the tree that was signed.
    """
    edge = Edge() if anchor is None else edge_of(storage, anchor.checkpoint)
    if edge is None:
        raise AuditError(
            "the audit log's tiles are not those that were signed: somebody changed them; "
            "`stockade audit verify` says where"
        )
    backlog.seek(edge.size)
    if found is None:
        return edge
    while (missing := found.checkpoint.size - edge.size) > 0 and (entries := backlog.take(missing)):
        for name, data in edge.append(entries):
            storage.write(name, data)
    if (edge.size, edge.root()) != (found.checkpoint.size, found.checkpoint.root):
        raise AuditError(
            "the spool is not what was signed: somebody changed it, or removed the tiles; "
            "`stockade audit verify` says what is left"
        )
    for name, data in edge.partial():
        storage.write(name, data)
    return edge

"""C2SP tlog-witness: others look at a checkpoint, see that the log only grew, and sign that.

A witness that is run by somebody else makes a fork show even to who never kept a checkpoint: it
signs only what extends all that it signed before.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import NamedTuple

from stockade.core.errors import AuditError
from stockade.watch.audit.checkpoint import Checkpoint, number
from stockade.watch.audit.note import COSIGNATURE, Note, VerifierKey
from stockade.watch.audit.storage import Storage
from stockade.watch.audit.tree import Tree

__all__ = ["Answer", "cosigned"]

_REFUSALS = {
    400: "the request is malformed to it",
    403: "it trusts no key that signed the checkpoint: give it the log's vkey",
    404: "it does not know this log: its operator has to add the origin",
    422: "the log does not extend what it saw before: keep its answer, for the log was changed",
}


class Answer(NamedTuple):
    """What a witness answered over HTTP."""

    status: int
    body: bytes


Post = Callable[[bytes], Answer]
"""POST to the witness's `add-checkpoint`."""


def cosigned(storage: Storage, note: Note, witness: VerifierKey, post: Post) -> Note:
    """The checkpoint with the witness's cosignature.

    Raises AuditError where it does not sign, or what it returns is not its signature of this.
    """
    if witness.kind != COSIGNATURE:
        raise AuditError("a witness's verifier key is of type 4: this one is of another type")
    checkpoint = Checkpoint.of(note)
    answer = post(_request(storage, note, 0))
    if answer.status == 409:
        # It has seen this log: from where it stands, there has to be a proof.
        old = _size(answer.body)
        if old > checkpoint.size:
            raise AuditError(
                f"the witness saw {old} entries, the log has {checkpoint.size}: it was rolled back"
            )
        answer = post(_request(storage, note, old))
    if answer.status != 200:
        why = _REFUSALS.get(answer.status, "it says no more")
        if answer.status == 409:
            why = (
                "it has seen another tree of this size: the log was changed, or has grown just now"
            )
        raise AuditError(f"the witness does not sign (HTTP {answer.status}): {why}")
    return _with(note, answer.body, witness)


def _request(storage: Storage, note: Note, old: int) -> bytes:
    checkpoint = Checkpoint.of(note)
    path = Tree(storage, checkpoint.size).consistency(old)
    lines = [f"old {old}", *(base64.b64encode(node).decode() for node in path), ""]
    return "".join(f"{line}\n" for line in lines).encode() + note.encode()


def _size(body: bytes) -> int:
    try:
        return number(body.decode("ascii").removesuffix("\n"))
    except (AuditError, UnicodeDecodeError):
        raise AuditError(
            "the witness refuses the checkpoint and does not say which size it knows: it has seen "
            "another tree of this size, or is no tlog-witness"
        ) from None


def _with(note: Note, lines: bytes, witness: VerifierKey) -> Note:
    """The note with those of `lines` that are the witness's signatures."""
    together = Note.parse(f"{note.text}\n".encode() + lines)
    if together.text != note.text:
        raise AuditError("the witness's answer is more than signatures: it signs another text")
    if witness not in together.signers([witness]):
        raise AuditError("the witness's answer has no signature by the key that is trusted")
    own = (witness.name, witness.key_id)
    added = [one for one in together.signatures if one[:2] == own]
    kept = [one for one in note.signatures if one[:2] != own]
    return Note(note.text, (*kept, *added))

"""C2SP tlog-proof: that an entry is in a log, in one file that is checked without the log.

The entry itself travels in the `extra` line, so that the file says what it proves. That line is not
authenticated by the format; here it is what gets hashed, so a changed one proves nothing.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

from stockade.core.errors import AuditError
from stockade.watch.audit.checkpoint import Checkpoint, number
from stockade.watch.audit.merkle import HASH_BYTES, included, leaf_hash
from stockade.watch.audit.note import Note, base64_bytes

__all__ = ["SUFFIX", "Proof"]

SUFFIX = ".tlog-proof"
_HEADER = "c2sp.org/tlog-proof@v1"
_MAX_PATH = 63
_MAX_BYTES = 2 << 20


@dataclass(frozen=True, slots=True)
class Proof:
    """Entry `index` of the log whose checkpoint is `note`, and the way from it to the root."""

    index: int
    path: tuple[bytes, ...]
    note: Note
    entry: bytes | None = None
    """None where the file does not carry it, and the verifier brings it along."""

    def encode(self) -> bytes:
        """The file."""
        lines = [_HEADER]
        if self.entry is not None:
            lines.append(f"extra {base64.b64encode(self.entry).decode()}")
        lines.append(f"index {self.index}")
        lines += [base64.b64encode(node).decode() for node in self.path]
        return "".join(f"{line}\n" for line in (*lines, "")).encode() + self.note.encode()

    @classmethod
    def parse(cls, data: bytes) -> Proof:
        """Raises AuditError for what is not such a file."""
        head, blank, note = data.partition(b"\n\n")
        try:
            lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError:
            lines = []
        if len(data) > _MAX_BYTES or not blank or len(lines) < 2 or lines.pop(0) != _HEADER:
            raise AuditError(f"this is no {SUFFIX} file: it begins with {_HEADER}")
        entry = None
        if lines[0].startswith("extra "):
            entry = base64_bytes(lines.pop(0).removeprefix("extra "))
            if entry is None:
                raise AuditError("the proof's extra line is not base64: it was damaged")
        if not lines or not lines[0].startswith("index "):
            raise AuditError("the proof says no index: it was damaged")
        index = number(lines.pop(0).removeprefix("index "))
        path = tuple(filter(None, map(base64_bytes, lines)))
        if len(path) != len(lines) or len(path) > _MAX_PATH or {*map(len, path)} - {HASH_BYTES}:
            raise AuditError("a line of the proof is no hash: it was damaged")
        return cls(index, path, Note.parse(note), entry)

    def holds(self, entry: bytes) -> bool:
        """Whether `entry` is where the proof says, by its checkpoint; that one's signatures are
        the caller's to verify. Raises AuditError where there is no checkpoint in it.
        """
        checkpoint = Checkpoint.of(self.note)
        size, root = checkpoint.size, checkpoint.root
        return included(leaf_hash(entry), self.index, size, self.path, root)

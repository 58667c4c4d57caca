"""C2SP tlog-checkpoint: what a log commits to, in the first three lines of a signed note."""

from __future__ import annotations

import base64
import re
from typing import NamedTuple

from stockade.core.errors import AuditError
from stockade.watch.audit.merkle import HASH_BYTES
from stockade.watch.audit.note import Note, base64_bytes

__all__ = ["Checkpoint", "number"]

_NUMBER = re.compile(r"(?:0|[1-9][0-9]{0,18})\Z")  # 63 bits, like the indices of every log


class Checkpoint(NamedTuple):
    """The root of a tree of `size` entries, of the log called `origin`."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()
    """Further lines; we write none."""

    def text(self) -> str:
        """The text that is signed."""
        root = base64.b64encode(self.root).decode()
        return "".join(f"{line}\n" for line in (self.origin, self.size, root, *self.extensions))

    @classmethod
    def of(cls, note: Note) -> Checkpoint:
        """What the note's text says; its signatures are the caller's to verify.

        Raises AuditError where it is no checkpoint.
        """
        origin, *rest = note.text.removesuffix("\n").split("\n")
        if len(rest) < 2 or not origin or not all(rest):
            raise AuditError("a checkpoint has an origin, a size and a root: this is none")
        size, encoded, *extensions = rest
        root = base64_bytes(encoded)
        if root is None or len(root) != HASH_BYTES:
            raise AuditError("a checkpoint's third line is a hash in base64: this one is damaged")
        return cls(origin, number(size), root, tuple(extensions))


def number(text: str) -> int:
    """A size or index, as C2SP writes them. Raises AuditError."""
    if not _NUMBER.match(text) or (value := int(text)) >= 1 << 63:
        raise AuditError("a size or index is a decimal number without leading zeroes below 2^63")
    return value

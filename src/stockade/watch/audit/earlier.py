"""What the checkpoints that somebody kept say about the log that is there now.

Each has to stand for the same entries, and to be signed by whom it has to be: one that anybody can
have written holds the log to nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from stockade.core.errors import AuditError
from stockade.watch.audit.checkpoint import Checkpoint
from stockade.watch.audit.note import Note, VerifierKey
from stockade.watch.audit.trust import Finding, KeyChain

__all__ = ["Earlier"]

_WHAT = "the earlier checkpoint"


class Earlier:
    """Checkpoints that were kept, and what came of comparing them."""

    def __init__(
        self,
        notes: Sequence[Note],
        *,
        trusted: Collection[VerifierKey] = (),
        former: Collection[VerifierKey] = (),
        witnesses: Collection[VerifierKey] = (),
    ) -> None:
        """`former` are those of the `trusted` keys that no longer sign; each of `witnesses` must
        have signed what counts. Raises AuditError for a note that is no checkpoint."""
        self.held = 0
        """How many the log extends, each signed by whom it has to be."""
        self.unknown = 0
        """How many fit, and are signed by none of the keys that the log names."""
        self.foreign = 0
        """How many are of other logs."""
        self._kept = sorted(
            ((Checkpoint.of(note), note) for note in notes), key=lambda one: one[0].size
        )
        self._trusted = {*trusted}
        self._former = {*former}
        self._witnesses = {*witnesses}
        self._loose = False

    @property
    def sizes(self) -> set[int]:
        """Of which trees the roots are wanted."""
        return {checkpoint.size for checkpoint, _ in self._kept if checkpoint.size}

    @property
    def anchored(self) -> bool:
        """Whether the log is held to what it was: up to the newest of them that fits."""
        return self.held > 0 and not self._loose

    def compared(
        self, now: Checkpoint, roots: Mapping[int, bytes], chain: KeyChain
    ) -> Iterator[Finding]:
        """What is wrong with the log `now`; `roots` are those that it had at `sizes`."""
        for kept, note in self._kept:
            if kept.origin != now.origin:
                self.foreign += 1
                continue
            wrong = _other(kept, now, roots)
            if wrong:
                yield Finding(wrong)
            elif kept.size:
                yield from self._attributed(kept, note, chain)
        if self._kept and self.foreign == len(self._kept):
            yield Finding(f"{_WHAT} is of another log: this one was put in its place")
        if self._witnesses and not self.held and not self.unknown:
            yield Finding("no earlier checkpoint that fits is signed by the witness")

    def _attributed(self, kept: Checkpoint, note: Note, chain: KeyChain) -> Iterator[Finding]:
        """Whether one that fits is signed by whom it has to be."""
        try:
            cosigned = self._witnesses <= {*note.signers(self._witnesses)}
            signers = {*chain.signers(note, kept, self._trusted)}
        except AuditError as error:
            yield Finding(f"{_WHAT}: {error}")
            return
        if chain.knows(kept.size):
            self._loose = False
            found = [*chain.signed(note, kept, self._trusted, _WHAT)]
            yield from found
            self.held += cosigned and not found
            return
        # The entry that named the key is gone, by retention as the log says. Whoever erased it with
        # a key of their own, or with an old one, has none by which this checkpoint is signed.
        keys = {epoch.key for epoch in chain.epochs}
        if not keys:  # is a finding of its own
            return
        replaced = chain.epochs[-1].key in self._former
        if replaced and signers & (self._trusted - self._former - keys):
            yield Finding(f"the log is signed by a key that was replaced before {_WHAT}")
            return
        self._loose = not signers & (keys if replaced else keys | self._former)
        self.unknown += self._loose
        self.held += cosigned and not self._loose


def _other(kept: Checkpoint, now: Checkpoint, roots: Mapping[int, bytes]) -> str:
    """How the log differs from what a checkpoint stands for; empty where it does not."""
    if kept.size > now.size:
        return f"the log has {now.size} entries and had {kept.size}: it was cut or rolled back"
    if kept.size and roots.get(kept.size) != kept.root:
        return (
            f"the first {kept.size} entries are not those that the earlier checkpoint stands for: "
            "some were changed, removed, added or moved"
        )
    return ""

"""Who may have signed a checkpoint: the keys that the log names, in force one after the other."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from stockade.core.errors import AuditError
from stockade.watch.audit.checkpoint import Checkpoint
from stockade.watch.audit.markers import KEY_CHANGED, Marker
from stockade.watch.audit.note import Note, VerifierKey

__all__ = ["Epoch", "Finding", "KeyChain"]


class Finding(NamedTuple):
    """What is wrong, and at which entry, where that can be said."""

    what: str
    entry: int | None = None

    def __str__(self) -> str:
        return self.what if self.entry is None else f"entry {self.entry}: {self.what}"


class Epoch(NamedTuple):
    """From entry `start` on, `key` signs; `vouched`: the key before it said so."""

    start: int
    key: VerifierKey
    vouched: bool


class KeyChain:
    """The keys of a log, as its entries name them."""

    def __init__(self, epochs: Collection[Epoch] = ()) -> None:
        self.epochs = list(epochs)

    def take(self, index: int, marker: Marker) -> Iterator[Finding]:
        """Learn from an entry; what is wrong with it."""
        current = self.epochs[-1].key if self.epochs else None
        if current is None:
            if marker.name == KEY_CHANGED:
                yield Finding("a key changes that the log never named", index)
            self.epochs.append(Epoch(index, marker.key, vouched=marker.name != KEY_CHANGED))
        elif marker.key != current:  # after a crash the same may be said twice
            if marker.name != KEY_CHANGED:
                yield Finding(
                    "the log names another key here, and does not say that it changed", index
                )
            self.epochs.append(Epoch(index, marker.key, marker.vouched))

    def knows(self, size: int) -> bool:
        """Whether it is known who signed then: with the first entries that may have gone, too."""
        return any(epoch.start < size for epoch in self.epochs)

    def signed(
        self, note: Note, checkpoint: Checkpoint, trusted: Collection[VerifierKey], what: str
    ) -> Iterator[Finding]:
        """What is wrong with the signatures of a checkpoint; `what` it is called."""
        past = [epoch for epoch in self.epochs if epoch.start < checkpoint.size]
        if not past:
            yield Finding(f"the log names no key that could have signed {what}")
            return
        try:
            signers = note.signers({*trusted, *(epoch.key for epoch in self.epochs)})
        except AuditError as error:
            yield Finding(f"{what}: {error}")
            return
        if past[-1].key not in signers:
            replaced = [epoch for epoch in past if epoch.key in signers]
            if replaced:
                yield Finding(
                    f"{what} is signed by a key that was replaced before: whoever holds the old "
                    "key made it",
                    past[-1].start,
                )
            else:
                yield Finding(f"{what} is not signed by the key that the log names for it")
        yield from self._trusted(past, trusted)

    def _trusted(self, past: list[Epoch], trusted: Collection[VerifierKey]) -> Iterator[Finding]:
        """Whether the newest of these keys is trusted, or vouched for by one that is."""
        for epoch in reversed(past):
            if epoch.key in trusted:
                return
            if not epoch.vouched:
                yield Finding(
                    "the key named here is not vouched for by the one before it; if it is yours, "
                    "say so with --vkey",
                    epoch.start,
                )
                return
        if trusted:
            yield Finding("the log is signed by no key that you trust")

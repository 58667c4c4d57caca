"""Who may have signed a checkpoint: the keys that the log names, in force one after the other.

What an entry claims counts for nothing by itself, for whoever can write the files can append one.
The only key that can vouch for another is the one in force where the entry stands.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from stockade.core.errors import AuditError
from stockade.watch.audit.checkpoint import Checkpoint
from stockade.watch.audit.markers import KEY_CHANGED, OPENED, Marker
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
    said: str = OPENED
    """The name of the entry that says so."""


class KeyChain:
    """The keys of a log, as its entries name them."""

    def __init__(self, epochs: Collection[Epoch] = ()) -> None:
        self.epochs = list(epochs)

    def take(self, index: int, marker: Marker) -> Iterator[Finding]:
        """Learn from an entry; what is wrong with it."""
        if not self.epochs:  # `begins` judges what it is, once it is known what was removed
            first = marker.key if marker.before is None else marker.before
            self.epochs.append(Epoch(index, first, vouched=True, said=marker.name))
        current = self.epochs[-1].key
        if marker.key == current:  # after a crash the same may be said twice
            return
        if marker.name != KEY_CHANGED:
            yield Finding("the log names another key here, and does not say that it changed", index)
        vouched = (
            marker.vouched and marker.before == current and marker.key.name == current.name
        )  # by that key alone: anybody has a key of their own that signs whatever they like
        self.epochs.append(Epoch(index, marker.key, vouched, marker.name))

    def begins(self, removed: int) -> Iterator[Finding]:
        """What is wrong with how the log begins, with the first `removed` entries gone."""
        if self.epochs and self.epochs[0].said != OPENED and not removed:
            yield Finding(
                "the log goes on here with a key that it never named, and nothing before it was "
                "removed",
                self.epochs[0].start,
            )

    def knows(self, size: int) -> bool:
        """Whether it is known who signed then: with the first entries that may have gone, too."""
        return bool(self._past(size))

    def signers(
        self, note: Note, checkpoint: Checkpoint, trusted: Collection[VerifierKey]
    ) -> list[VerifierKey]:
        """Who signed, of the log's keys and those that are trusted: keys of this origin alone.

        Raises AuditError for a signature by one of them that is none.
        """
        signed = note.signers({*trusted, *(epoch.key for epoch in self.epochs)})
        return [key for key in signed if key.name == checkpoint.origin]

    def signed(
        self, note: Note, checkpoint: Checkpoint, trusted: Collection[VerifierKey], what: str
    ) -> Iterator[Finding]:
        """What is wrong with the signatures of a checkpoint; `what` it is called."""
        past = self._past(checkpoint.size)
        if not past:
            yield Finding(f"the log names no key that could have signed {what}")
            return
        try:
            signers = self.signers(note, checkpoint, trusted)
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

    def trusts(self, size: int, trusted: Collection[VerifierKey]) -> Iterator[Finding]:
        """Whether the key in force at `size` is trusted, or vouched for by one that is.

        Who trusts a key that did not vouch for the next one trusts that one by itself: with both
        of them trusted, it may be an older one that somebody brings back.
        """
        past = self._past(size)
        for at, epoch in reversed([*enumerate(past)]):
            before = {one.key for one in past[:at]} - {epoch.key}
            if epoch.key in trusted and (epoch.vouched or before.isdisjoint(trusted)):
                return
            if not epoch.vouched:
                yield Finding(
                    "the key named here is not vouched for by the one before it; if it is yours, "
                    "say so with --vkey, for it alone",
                    epoch.start,
                )
                return
        if past and trusted:
            yield Finding("the log is signed by no key that you trust")

    def _past(self, size: int) -> list[Epoch]:
        return [epoch for epoch in self.epochs if epoch.start < size]

"""What the log says about itself, as entries of its own: its first key, and each later one.

A new key is vouched for by the one before it: that one signs a note whose text names both. So the
keys of a log can be followed from any that is trusted to the newest.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from stockade.core.errors import AuditError
from stockade.core.events import CATALOGUE, Event, Outcome, now
from stockade.core.ports import LogSigner
from stockade.watch.audit.note import ED25519, Note, Signature, VerifierKey

__all__ = [
    "KEY_CHANGED",
    "MARK",
    "OPENED",
    "PRUNED",
    "Marker",
    "key_changed",
    "marker",
    "opened",
    "pruned",
]

MARK = b'"name":"audit_'
"""Stands in every entry that may be a marker."""
OPENED = "audit_opened"
KEY_CHANGED = "audit_key_changed"
PRUNED = "audit_pruned"
_STATEMENT = "audit log key change"
_decode = msgspec.json.Decoder(Event).decode


class Marker(NamedTuple):
    """What such an entry says: `key` signs from here on; `minimum` is the first entry kept."""

    name: str
    key: VerifierKey
    vouched: bool = False
    """Whether `before` signed that. Whether `before` had a say is not the entry's to tell."""
    minimum: int = 0
    before: VerifierKey | None = None
    """The key that signed until now, of a change."""


def opened(key: VerifierKey) -> Event:
    """The log begins, and this key signs it."""
    reason = "The audit log begins; the key named here signs it."
    return _event(OPENED, reason, {"origin": key.name, "vkey": str(key)})


def key_changed(before: VerifierKey, key: VerifierKey, signer: LogSigner) -> Event:
    """Another key signs from now on; where the one before is still active, it vouches for it."""
    vouched = ""
    if before.public in signer.public_keys():
        text = _statement(before, key)
        data = signer.sign(text.encode(), before.public)
        vouched = Note(text, (Signature(before.name, before.key_id, data),)).encode().decode()
    reason = "Another key signs the audit log from now on."
    details = {"vkey": str(key), "before": str(before), "vouched": vouched}
    return _event(KEY_CHANGED, reason, details)


def pruned(minimum: int, key: VerifierKey) -> Event:
    """The entries before `minimum` are removed; their hashes stay.

    `key` signs at present: the entry that named it may be among those that go.
    """
    reason = "Entries that are older than they are kept were removed; their hashes stay."
    return _event(PRUNED, reason, {"minimum_index": minimum, "vkey": str(key)})


def marker(entry: bytes) -> Marker | None:
    """What an entry says about the log; None for any other entry.

    Raises AuditError for one that looks like ours and is not whole.
    """
    if MARK not in entry:
        return None
    try:
        event = _decode(entry)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None  # torn, nested as ours never is, or it only holds these characters
    if event.part != "watch" or event.name not in (OPENED, KEY_CHANGED, PRUNED):
        return None
    key = _key(event.details, "vkey")
    if event.name == PRUNED:
        minimum = event.details.get("minimum_index")
        return Marker(PRUNED, key, minimum=minimum if isinstance(minimum, int) else 0)
    if event.name == OPENED:
        return Marker(OPENED, key)
    before = _key(event.details, "before")
    return Marker(KEY_CHANGED, key, _vouched(event.details, before, key), before=before)


def _key(details: dict[str, Any], name: str) -> VerifierKey:
    key = VerifierKey.parse(str(details.get(name)))
    if key.kind != ED25519:
        raise AuditError("the log names a witness's key as its own")
    return key


def _vouched(details: dict[str, Any], before: VerifierKey, key: VerifierKey) -> bool:
    try:
        note = Note.parse(str(details.get("vouched")).encode())
        return note.text == _statement(before, key) and bool(note.signers([before]))
    except AuditError:
        return False


def _statement(before: VerifierKey, key: VerifierKey) -> str:
    # The second line is no number, so that this can never be taken for a checkpoint.
    return f"{before.name}\n{_STATEMENT}\n{before}\n{key}\n"


def _event(name: str, reason: str, details: dict[str, Any]) -> Event:
    return Event(
        time=now(),
        name=name,
        severity=CATALOGUE[name].severity,
        outcome=Outcome.ALLOWED,
        part="watch",
        reason=reason,
        rule="audit.log",
        details=details,
    )

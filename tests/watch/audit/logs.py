"""Logs for tests, and what an attacker does with the files of one."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stockade.core.events import Event, now
from stockade.crypto import Keyring
from stockade.watch.audit import tiles
from stockade.watch.audit.checkpoint import Checkpoint
from stockade.watch.audit.edge import Edge
from stockade.watch.audit.log import AuditTrail
from stockade.watch.audit.note import Note, Signature, VerifierKey
from stockade.watch.audit.storage import Directory
from stockade.watch.audit.tree import Tree
from stockade.watch.audit.verification import Verification


def event(number: object, **fields: Any) -> Event:
    return Event(
        time=now(), name="authz_fail", severity="critical", outcome="blocked", part="test",
        request_id=str(number), reason="You may not do this.", **fields,
    )  # fmt: skip


def fill(trail: AuditTrail, first: int, count: int) -> None:
    for start in range(first, first + count, 1_000):
        trail.extend([event(n) for n in range(start, min(start + 1_000, first + count))])
    assert trail.wait_durable(300)


class Made(NamedTuple):
    """A log whose key was rotated at a third of its length, and checkpoints kept on the way."""

    folder: Path
    keyring: Keyring
    kept: list[Note]

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def size(self) -> int:
        return Checkpoint.of(Note.parse((self.log / "checkpoint").read_bytes())).size

    def vkeys(self) -> list[VerifierKey]:
        """The newest key first."""
        origin = (self.folder / "origin").read_text().strip()
        return [VerifierKey(origin, key) for key in self.keyring.log_signer(origin).public_keys()]

    def entries(self) -> list[bytes]:
        tree = Tree(Directory(self.log), self.size)
        bundles = range(-(-tree.size // tiles.WIDTH))
        return [entry for bundle in bundles for entry in tree.entries(bundle)]

    def rebuild(self, entries: Sequence[bytes], target: Path, key: int | None) -> None:
        """All tiles anew, as whoever may write the files can; signed if they have key number so."""
        if key is None:
            build(entries, target)
            shutil.copy(self.log / "checkpoint", target / "checkpoint")
            return
        vkey = self.vkeys()[key]
        signer = self.keyring.log_signer(vkey.name)
        build(entries, target, vkey, lambda text: signer.sign(text, vkey.public))


def build(
    entries: Sequence[bytes],
    target: Path,
    vkey: VerifierKey | None = None,
    sign: Callable[[bytes], bytes] = bytes,
) -> None:
    """A log of these entries, by whoever has this key."""
    shutil.rmtree(target, ignore_errors=True)
    storage, edge = Directory(target), Edge()
    for files in (edge.append(entries), edge.partial()):
        for name, data in files:
            storage.write(name, data)
    if vkey is not None:
        text = Checkpoint(vkey.name, edge.size, edge.root()).text()
        note = Note(text, (Signature(vkey.name, vkey.key_id, sign(text.encode())),))
        storage.write("checkpoint", note.encode())


class Stranger(NamedTuple):
    """Somebody who may write the files and has no key of the log, but can make one."""

    vkey: VerifierKey
    private: Ed25519PrivateKey

    @classmethod
    def of(cls, origin: str) -> Stranger:
        private = Ed25519PrivateKey.generate()
        return cls(VerifierKey(origin, private.public_key().public_bytes_raw()), private)

    def sign(self, message: bytes, public: bytes = b"") -> bytes:
        return self.private.sign(message)

    def public_keys(self) -> list[bytes]:
        return [self.vkey.public]

    def former_keys(self) -> list[bytes]:
        return []

    def build(self, entries: Sequence[bytes], target: Path) -> None:
        build(entries, target, self.vkey, self.sign)


def make(folder: Path, entries: int) -> Made:
    keyring = Keyring.ephemeral()
    trail = AuditTrail(folder, signer=keyring.log_signer, seconds=0.01)
    fill(trail, 0, 1)
    third = entries // 3
    kept = []
    for part in range(3):
        fill(trail, part * third, third if part < 2 else entries - 2 * third)
        assert trail.sequencer.last is not None
        kept.append(trail.sequencer.last.note)
        if part == 0:
            keyring.rotate("sign")
    # What nobody keeps a checkpoint of.
    fill(trail, entries, 100)
    trail.close()
    return Made(folder, keyring, kept)


def verified(
    log: Path,
    kept: Sequence[Note] = (),
    trusted: Sequence[VerifierKey] = (),
    witnesses: Sequence[VerifierKey] = (),
    former: Sequence[VerifierKey] = (),
) -> Verification:
    verification = Verification(
        Directory(log), earlier=kept, trusted=trusted, former=former, witnesses=witnesses
    )
    for _ in verification.steps():
        pass
    return verification


def findings(
    log: Path, kept: Sequence[Note] = (), trusted: Sequence[VerifierKey] = ()
) -> list[str]:
    return [str(finding) for finding in verified(log, kept, trusted).findings]


Change = Callable[[list[bytes], int], list[bytes]]


def flip(entries: list[bytes], at: int) -> list[bytes]:
    entry = entries[at]
    return [*entries[:at], bytes([entry[0] ^ 1]) + entry[1:], *entries[at + 1 :]]


def delete(entries: list[bytes], at: int) -> list[bytes]:
    return entries[:at] + entries[at + 1 :]


def insert(entries: list[bytes], at: int) -> list[bytes]:
    return [*entries[:at], b'{"name":"innocent"}', *entries[at:]]


def reorder(entries: list[bytes], at: int) -> list[bytes]:
    other = at + 1 if at + 1 < len(entries) else at - 1
    changed = list(entries)
    changed[at], changed[other] = changed[other], changed[at]
    return changed


def truncate(entries: list[bytes], at: int) -> list[bytes]:
    return entries[:at]


def fork(entries: list[bytes], at: int) -> list[bytes]:
    return entries[:at] + [entry.replace(b"blocked", b"allowed") for entry in entries[at:]]


CHANGES: dict[str, Change] = {
    change.__name__: change for change in (flip, delete, insert, reorder, truncate, fork)
}

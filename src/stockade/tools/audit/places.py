"""Where the log is, which keys are trusted, and which checkpoints somebody kept."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from stockade.core import config
from stockade.core.config import Settings
from stockade.core.errors import AuditError, ConfigError, CryptoError
from stockade.watch.audit import tiles
from stockade.watch.audit.checkpoint import Checkpoint
from stockade.watch.audit.note import COSIGNATURE, ED25519, Note, VerifierKey
from stockade.watch.audit.sequencer import origin_of
from stockade.watch.audit.storage import Directory, Storage

__all__ = ["Kept", "Place", "Trusted", "kept_checkpoints", "witness_keys"]

_ALERT = re.compile(rb"(?:[^\"'={}]{0,200}\s)?stockade: audit log checkpoint, keep it: (.*)")
"""Our line, behind what a collector puts in front. Within quotes it would be somebody's text."""


class Trusted(NamedTuple):
    """The keys by which a log is judged."""

    keys: tuple[VerifierKey, ...]
    source: str
    """Where they are from; why there are none, where there are none."""
    former: tuple[VerifierKey, ...] = ()
    """Those of them that no longer sign."""


class Kept(NamedTuple):
    """What was in the files of kept checkpoints."""

    notes: list[Note]
    skipped: int
    """Places that should have held one, and do not."""


class _Told(msgspec.Struct):
    name: str
    details: dict[str, Any]


_decode = msgspec.json.Decoder(_Told).decode


class Place:
    """One audit log: that of the configuration, or one that is named."""

    def __init__(self, named: str | None, config_file: Path | None) -> None:
        """`named` is a folder, or an address such as s3://bucket/prefix. Raises ConfigError."""
        self.settings, self.folder = _settings(config_file)
        watch = self.settings.watch
        self.spool: Path | None = None
        """Where entries wait for their signature; None: not on this host."""
        if named is None:
            if not watch.audit:
                raise ConfigError("the configuration keeps no audit log: name one here")
            self.root = self.folder / watch.audit
            self.spool = self.root / "spool"
            self.storage = _store(watch.audit_store) or Directory(self.root / "log")
        else:
            self.root = Path(named)
            self.storage = _store(named) or self._named(self.root)

    def _named(self, root: Path) -> Storage:
        if not root.is_dir():
            raise ConfigError("there is no such folder, and no audit log: name one that exists")
        if (root / "spool").is_dir():
            self.spool = root / "spool"
            return Directory(root / "log")
        return Directory(root)

    def origin(self) -> str:
        """The log's name, as its folder says, or else its checkpoint; empty where neither does."""
        try:
            data = self.storage.read(tiles.CHECKPOINT)
            signed = "" if data is None else Checkpoint.of(Note.parse(data)).origin
        except AuditError:
            signed = ""
        return origin_of(self.root) or signed

    def trusted(self, given: Sequence[str], origin: str) -> Trusted:
        """The keys given, else those of the configuration's keyring for this log, if it is here.

        Raises AuditError for a text that is no log's key.
        """
        if given:
            return Trusted(tuple(_keys(given, ED25519)), "--vkey")
        from stockade.crypto import Keyring

        path = self.folder / self.settings.crypto.keyring
        if not path.is_file():
            return Trusted((), "the keyring is not here")
        if not origin:
            return Trusted((), "nothing says what the log is called")
        try:
            newest, *former = Keyring.open(path).log_signer(origin).public_keys()
        except CryptoError:  # another user's: who verifies need not be who signs
            return Trusted((), "the keyring cannot be opened")
        keys = tuple(VerifierKey(origin, public) for public in (newest, *former))
        return Trusted(keys, "the keyring", keys[1:])


def witness_keys(given: Sequence[str]) -> list[VerifierKey]:
    """Raises AuditError for a text that is no witness's key."""
    return _keys(given, COSIGNATURE)


def _keys(given: Sequence[str], kind: int) -> list[VerifierKey]:
    keys = [VerifierKey.parse(text) for text in given]
    if any(key.kind != kind for key in keys):
        raise AuditError("a log's key (type 1) goes with --vkey, a witness's (4) --witness-key")
    return keys


def kept_checkpoints(files: Sequence[Path]) -> Kept:
    """The checkpoints in these files: notes as they are, or event logs and alerts with some in.

    Raises ConfigError for a file that cannot be read, or holds none.
    """
    found = Kept([], 0)
    for file in files:
        try:
            data = file.read_bytes()
        except OSError as error:
            raise ConfigError(f"{file} cannot be read ({error.strerror})") from None
        whole = _note(data)
        notes = [whole] if whole else [_note(text.encode()) for text in _told(data)]
        good = [note for note in notes if note]
        if not good:
            raise ConfigError(f"{file} holds no checkpoint: it is a signed note, or an event log")
        found = Kept([*found.notes, *good], found.skipped + len(notes) - len(good))
    return found


def _note(data: bytes) -> Note | None:
    try:
        note = Note.parse(data)
        Checkpoint.of(note)
    except AuditError:
        return None
    return note


def _told(data: bytes) -> Iterator[str]:
    """What the lines of a log tell as checkpoints. Clients choose much of what such a log holds."""
    for line in data.splitlines():
        alert = _ALERT.fullmatch(line)
        if alert:
            yield alert[1].decode("utf-8", "replace").replace("\\n", "\n")
        elif b"audit_checkpoint" in line:
            try:
                event = _decode(line)
            except (msgspec.DecodeError, ValueError, RecursionError):
                continue
            if event.name == "audit_checkpoint":
                yield str(event.details.get("checkpoint"))


def _store(url: str) -> Storage | None:
    if "://" not in url:
        return None
    from stockade.watch.audit.object_store import ObjectStore

    return ObjectStore.open(url)


def _settings(config_file: Path | None) -> tuple[Settings, Path]:
    settings = config.load(config_file)
    return settings, Path(config_file).parent if config_file is not None else Path()

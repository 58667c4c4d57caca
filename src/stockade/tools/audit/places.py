"""Where the log is, which keys are trusted, and which checkpoints somebody kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from stockade.core import config
from stockade.core.config import Settings
from stockade.core.errors import AuditError, ConfigError, CryptoError
from stockade.watch.audit.checkpoint import Checkpoint
from stockade.watch.audit.note import Note, VerifierKey
from stockade.watch.audit.sequencer import origin_of
from stockade.watch.audit.storage import Directory, Storage

__all__ = ["Place", "kept_checkpoints"]

_ALERT = "audit log checkpoint, keep it: "


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

    def trusted(self, given: Sequence[str]) -> list[VerifierKey]:
        """The keys given, else those of the configuration's keyring, if it is here.

        Raises AuditError for a text that is no key.
        """
        if given:
            return [VerifierKey.parse(text) for text in given]
        from stockade.crypto import Keyring

        path = self.folder / self.settings.crypto.keyring
        origin = origin_of(self.root)
        if not path.is_file() or not origin:
            return []
        try:
            signer = Keyring.open(path).log_signer(origin)
        except CryptoError:
            return []  # another user's: who verifies need not be who signs
        return [VerifierKey(origin, public) for public in signer.public_keys()]


def kept_checkpoints(files: Sequence[Path]) -> list[Note]:
    """The checkpoints in these files: notes as they are, or event logs and alerts with some in.

    Raises ConfigError for a file that cannot be read, or holds none.
    """
    found: list[Note] = []
    for file in files:
        try:
            data = file.read_bytes()
        except OSError as error:
            raise ConfigError(f"{file} cannot be read ({error.strerror})") from None
        notes = list(_notes(data))
        if not notes:
            raise ConfigError(f"{file} holds no checkpoint: it is a signed note, or an event log")
        found += notes
    return found


def _notes(data: bytes) -> Iterator[Note]:
    try:
        note = Note.parse(data)
        Checkpoint.of(note)
    except AuditError:
        pass
    else:
        yield note
        return
    for line in data.splitlines():
        text = _told(line)
        if text:
            note = Note.parse(text.encode())
            Checkpoint.of(note)
            yield note


def _told(line: bytes) -> str:
    """The checkpoint that a line of a log tells; empty where it tells none."""
    _, mark, kept = line.partition(_ALERT.encode())
    if mark:
        return kept.decode("utf-8", "replace").replace("\\n", "\n")
    if b"audit_checkpoint" not in line:
        return ""
    try:
        event: Any = msgspec.json.decode(line)
        return str(event["details"]["checkpoint"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return ""


def _store(url: str) -> Storage | None:
    if "://" not in url:
        return None
    from stockade.watch.audit.object_store import ObjectStore

    return ObjectStore.open(url)


def _settings(config_file: Path | None) -> tuple[Settings, Path]:
    settings = config.load(config_file)
    return settings, Path(config_file).parent if config_file is not None else Path()

"""The file in which the keys of persons lie: an SQLite database, each key sealed by the keyring.

A person is found there by a keyed fingerprint. What is deleted is overwritten (`secure_delete`), in
the write-ahead log too.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from stockade.core.errors import CryptoError
from stockade.crypto.mac import Mac
from stockade.crypto.sealing import Sealer

__all__ = ["ID_BYTES", "KeyFile", "Unusable"]

ID_BYTES = 8
_KINDS = ("account:", "address:")
_PATIENT_SECONDS = 5.0
"""So long people wait where another process has the file locked."""
_TABLE = "CREATE TABLE IF NOT EXISTS keys (id BLOB PRIMARY KEY, subject BLOB, key BLOB)"
_INDEX = "CREATE INDEX IF NOT EXISTS by_subject ON keys (subject)"


class Unusable(CryptoError):
    """The file itself, not one key in it."""


class _Connection(sqlite3.Connection):
    """Made from the class itself, for the firewall replaces `sqlite3.connect`; it knows this one
    by its module and does not take it for a connection of the application's."""


class KeyFile:
    """The file at `path`, mode 0600. Errors: Unusable, and CryptoError as told."""

    def __init__(self, path: Path, sealer: Sealer, mac: Mac) -> None:
        self.path = path
        self._sealer = sealer
        self._mac = mac
        with self._database() as database:
            database.execute(_TABLE)
            database.execute(_INDEX)

    def key(self, key_id: bytes) -> bytes | None:
        """The key of this id. Raises CryptoError where the keyring cannot open it."""
        with self._database() as database:
            row = database.execute("SELECT key FROM keys WHERE id = ?", (key_id,)).fetchone()
        return None if row is None else self._sealer.open(row[0], key_id)

    def key_of(self, subject: str, *, seconds: float) -> tuple[bytes, bytes]:
        """Id and key of a subject, made where there is none; waits `seconds` for a locked file.

        Raises CryptoError where the keyring cannot open it.
        """
        with self._database(seconds) as database:
            # First without a lock: whoever writes keeps nobody from reading.
            if (found := self._find(database, subject)) is None:
                database.execute("BEGIN IMMEDIATE")  # two processes must not make two keys
                found = self._find(database, subject)
            if found is not None:
                return found[0], self._sealer.open(found[1], found[0])
            key_id, key = os.urandom(ID_BYTES), AESGCM.generate_key(256)
            database.execute(
                "INSERT INTO keys VALUES (?, ?, ?)",
                (key_id, self._fingerprints(subject)[0], self._sealer.seal(key, key_id)),
            )
        return key_id, key

    def delete(self, subject: str) -> int:
        """Delete the keys of a subject, as account or as address; how many there were.

        Raises CryptoError where its kind is left out, and both have a key.
        """
        kinds = [] if subject.startswith(_KINDS) else [kind + subject for kind in _KINDS]
        with self._database() as database:
            database.execute("BEGIN IMMEDIATE")
            if kinds and all(self._find(database, name) for name in kinds):
                raise CryptoError(
                    "an account and an address have this name: put `account:` or `address:` "
                    "before it"
                )
            return sum(
                database.execute("DELETE FROM keys WHERE subject = ?", (fingerprint,)).rowcount
                for name in (subject, *kinds)
                for fingerprint in self._fingerprints(name)
            )

    def overwrite(self) -> None:
        """Have nothing in the file that was deleted. Raises CryptoError where somebody reads it.

        A reader keeps the file as it was when it began, deleted keys among the rest.
        """
        with self._database() as database:
            busy, *_ = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise CryptoError(
                f"the keys are deleted, but still stand in {self.path}: end what reads the file "
                "(a backup, another tool), and repeat this until it says that there is no key"
            )

    def unusable(self, why: str) -> Unusable:
        return Unusable(
            f"the keys of persons in {self.path} cannot be used ({why}): "
            "check the file, its owner and its space"
        )

    def _find(self, database: sqlite3.Connection, subject: str) -> tuple[bytes, bytes] | None:
        """The id of a subject's key, and the key as it is stored."""
        for fingerprint in self._fingerprints(subject):
            row: tuple[bytes, bytes] | None = database.execute(
                "SELECT id, key FROM keys WHERE subject = ?", (fingerprint,)
            ).fetchone()
            if row is not None:
                return row
        return None

    def _fingerprints(self, subject: str) -> list[bytes]:
        return self._mac.candidates(subject.encode("utf-8", "surrogatepass"))

    @contextmanager
    def _database(self, seconds: float | None = None) -> Iterator[sqlite3.Connection]:
        """A connection of its own each time: seldom needed, and safe after a fork."""
        try:
            if not self.path.exists():
                self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600))
            timeout = _PATIENT_SECONDS if seconds is None else seconds
            database = _Connection(self.path, timeout=timeout, isolation_level=None)
            try:
                database.execute("PRAGMA journal_mode = WAL")
                database.execute("PRAGMA synchronous = FULL")
                database.execute("PRAGMA secure_delete = ON")
                yield database
                if database.in_transaction:
                    database.execute("COMMIT")
            finally:
                database.close()
        except (OSError, sqlite3.Error) as error:
            raise self.unusable(type(error).__name__) from None

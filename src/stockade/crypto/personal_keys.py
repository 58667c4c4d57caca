"""A key for each person, kept apart from what it sealed: forgetting the key forgets the person.

The keys are random and lie in an SQLite file, sealed by the keyring; a person is found there by a
keyed fingerprint. What is sealed looks like `sealed:` and base64 of key id, nonce, ciphertext and
tag (AES-256-GCM).

Forgetting overwrites the key in the file (`secure_delete`). It does not reach copies: backups of
the file, snapshots of the disk, blocks that the file system or an SSD gave up earlier. Other
processes may hold the key for a minute, and seal with it what nobody will open.
"""

from __future__ import annotations

import base64
import os
import sqlite3
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from stockade.core.errors import CryptoError
from stockade.core.ports import Clock
from stockade.crypto.mac import Mac
from stockade.crypto.sealing import Sealer

__all__ = ["PREFIX", "PersonalKeys"]

PREFIX = "sealed:"
_ID_BYTES = 8
_NONCE_BYTES = 12
_CACHED = 4_096
_CACHE_SECONDS = 60.0
_TABLE = "CREATE TABLE IF NOT EXISTS keys (id BLOB PRIMARY KEY, subject BLOB, key BLOB)"
_INDEX = "CREATE INDEX IF NOT EXISTS by_subject ON keys (subject)"


class _Connection(sqlite3.Connection):
    """Made from the class itself, for the firewall replaces `sqlite3.connect`; it knows this one
    by its module and does not take it for a connection of the application's."""


class PersonalKeys:
    """A `core.ports.PersonalFields` in the file `path`, mode 0600; threads may share it."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        sealer: Sealer,
        mac: Mac,
        *,
        clock: Clock = time.monotonic,
    ) -> None:
        """`sealer` wraps the keys, `mac` finds them. Raises CryptoError."""
        self._path = Path(path)
        self._sealer = sealer
        self._mac = mac
        self._clock = clock
        # Re-entrant: what fails in here is an event, whose fields may be sealed by this again.
        self._lock = threading.RLock()
        self._sealed: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._keys: dict[str, tuple[bytes, AESGCM]] = {}
        self._until = 0.0
        itself: weakref.ref[PersonalKeys] = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: _start_over(itself))
        with self._database() as database:
            database.execute(_TABLE)
            database.execute(_INDEX)

    def __repr__(self) -> str:
        return f"PersonalKeys({str(self._path)!r})"

    def seal(self, subject: str, text: str) -> str:
        """`text` sealed by the key of `subject`, which is made where there is none."""
        with self._lock:
            if self._clock() >= self._until:
                self._forget_cache()
            found = self._sealed.get((subject, text))
            if found is None:
                key_id, cipher = self._key(subject)
                nonce = os.urandom(_NONCE_BYTES)
                data = (
                    key_id + nonce + cipher.encrypt(nonce, text.encode("utf-8", "replace"), key_id)
                )
                found = PREFIX + base64.b64encode(data).decode()
                self._sealed[subject, text] = found
                if len(self._sealed) > _CACHED:
                    self._sealed.popitem(last=False)
        return found

    def open(self, sealed: str) -> str | None:
        """The text; None where its key was forgotten. Raises CryptoError for what is no such text,
        or was changed.
        """
        try:
            data = base64.b64decode(sealed.removeprefix(PREFIX), validate=True)
        except ValueError:  # what is not ASCII raises that, and binascii.Error is one
            data = b""
        if not sealed.startswith(PREFIX) or len(data) < _ID_BYTES + _NONCE_BYTES:
            raise CryptoError("this is no sealed personal field: it begins with 'sealed:'")
        key_id, nonce = data[:_ID_BYTES], data[_ID_BYTES : _ID_BYTES + _NONCE_BYTES]
        with self._database() as database:
            row = database.execute("SELECT key FROM keys WHERE id = ?", (key_id,)).fetchone()
        if row is None:
            return None
        cipher = AESGCM(self._sealer.open(row[0], key_id))
        try:
            return cipher.decrypt(nonce, data[_ID_BYTES + _NONCE_BYTES :], key_id).decode()
        except InvalidTag:
            raise CryptoError("the sealed personal field was changed: do not use it") from None

    def forget(self, subject: str) -> bool:
        """Destroy every key of `subject`; whether there was one."""
        with self._lock:
            self._forget_cache()
            gone = 0
            with self._database() as database:
                for fingerprint in self._fingerprints(subject):
                    gone += database.execute(
                        "DELETE FROM keys WHERE subject = ?", (fingerprint,)
                    ).rowcount
            with self._database() as database:
                database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return gone > 0

    def _fingerprints(self, subject: str) -> list[bytes]:
        return self._mac.candidates(subject.encode("utf-8", "surrogatepass"))

    def _forget_cache(self) -> None:
        self._sealed.clear()
        self._keys.clear()
        self._until = self._clock() + _CACHE_SECONDS

    def _key(self, subject: str) -> tuple[bytes, AESGCM]:
        found = self._keys.get(subject)
        if found is None:
            if len(self._keys) >= _CACHED:
                self._keys.clear()
            found = self._keys[subject] = self._stored(subject)
        return found

    def _stored(self, subject: str) -> tuple[bytes, AESGCM]:
        fingerprints = self._fingerprints(subject)
        with self._database() as database:
            database.execute("BEGIN IMMEDIATE")  # two processes must not make two keys
            for fingerprint in fingerprints:
                row = database.execute(
                    "SELECT id, key FROM keys WHERE subject = ?", (fingerprint,)
                ).fetchone()
                if row is not None:
                    return row[0], AESGCM(self._sealer.open(row[1], row[0]))
            key_id, key = os.urandom(_ID_BYTES), AESGCM.generate_key(256)
            database.execute(
                "INSERT INTO keys VALUES (?, ?, ?)",
                (key_id, fingerprints[0], self._sealer.seal(key, key_id)),
            )
        return key_id, AESGCM(key)

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        """A connection of its own each time: seldom needed, and safe after a fork."""
        try:
            if not self._path.exists():
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600))
            database = _Connection(self._path, timeout=5.0, isolation_level=None)
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
            raise CryptoError(
                f"the keys of persons in {self._path} cannot be used ({type(error).__name__}): "
                "check the file, its owner and its space"
            ) from None


def _start_over(itself: weakref.ref[PersonalKeys]) -> None:
    here = itself()
    if here is not None:
        here._lock = threading.RLock()  # another thread of the parent may have held the old one

"""A key for each person, kept apart from what it sealed: forgetting the key forgets the person.

The keys are random and lie in a file of their own (`personal_file`). What is sealed looks like
`sealed:` and base64 of key id, nonce, ciphertext and tag (AES-256-GCM).

Forgetting overwrites the key in the file. It does not reach copies: backups of the file, snapshots
of the disk, blocks that the file system or an SSD gave up earlier. Other processes may hold the key
for a minute, and seal with it what nobody will open.

Sealing is on a request's way. It waits a moment for a file that is locked, and where that was in
vain, those that come within some seconds do not wait at all.
"""

from __future__ import annotations

import base64
import os
import threading
import time
import weakref
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from stockade.core.errors import CryptoError
from stockade.core.ports import Clock
from stockade.crypto.mac import Mac
from stockade.crypto.personal_file import ID_BYTES, KeyFile, Unusable
from stockade.crypto.sealing import Sealer

__all__ = ["PREFIX", "PersonalKeys"]

PREFIX = "sealed:"
_AROUND = b"around"
"""Bound to what is sealed once more, so that no text can pass for it."""
_NONCE_BYTES = 12
_CACHED = 4_096
_CACHE_SECONDS = 60.0
_FILE_SECONDS = 0.1
"""So long a request waits where another process has the file locked."""
_QUEUE_SECONDS = 0.5
"""And so long for other threads, each of which makes a key."""
_REST_SECONDS = 5.0


@dataclass
class _Cache:
    """Replaced as a whole: what a thread still puts into an old one is forgotten with it."""

    until: float
    sealed: OrderedDict[tuple[str, str, bytes], str] = field(default_factory=OrderedDict)
    keys: dict[str, tuple[bytes, AESGCM]] = field(default_factory=dict)


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
        self.failing = False
        """Whether the file could not be used when that was last tried."""
        self._clock = clock
        # Re-entrant: what fails in here is an event, whose fields may be sealed by this again.
        self._lock = threading.RLock()  # for moments: who holds it waits for nothing
        self._queue = threading.RLock()
        self._cache = _Cache(0.0)
        self._rests_until = float("-inf")
        itself: weakref.ref[PersonalKeys] = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: _start_over(itself))
        self._file = KeyFile(Path(path), sealer, mac)

    def __repr__(self) -> str:
        return f"PersonalKeys({str(self._file.path)!r})"

    def seal(self, subject: str, text: str, *also: str) -> str:
        """`text` sealed by the key of `subject`, which is made where there is none, and around that
        by the key of each of `also`.
        """
        sealed = self._seal(subject, text, b"")
        for other in also:
            sealed = self._seal(other, sealed, _AROUND)
        return sealed

    def open(self, sealed: str) -> str | None:
        """The text; None where its key was forgotten. Raises CryptoError for what is no such text,
        or was changed.
        """
        try:
            data = base64.b64decode(sealed.removeprefix(PREFIX), validate=True)
        except ValueError:  # what is not ASCII raises that, and binascii.Error is one
            data = b""
        if not sealed.startswith(PREFIX) or len(data) < ID_BYTES + _NONCE_BYTES:
            raise CryptoError("this is no sealed personal field: it begins with 'sealed:'")
        key_id, nonce = data[:ID_BYTES], data[ID_BYTES : ID_BYTES + _NONCE_BYTES]
        key = self._file.key(key_id)
        if key is None:
            return None
        for bound in (b"", _AROUND):
            try:
                text = AESGCM(key).decrypt(nonce, data[ID_BYTES + _NONCE_BYTES :], key_id + bound)
            except InvalidTag:
                continue
            return self.open(text.decode()) if bound else text.decode()
        raise CryptoError("the sealed personal field was changed: do not use it")

    def forget(self, subject: str) -> bool:
        """Destroy every key of `subject`; whether there was one.

        `account:` or `address:` may be left out. Raises CryptoError where both have a key, and
        where somebody who reads the file keeps what was deleted in it.
        """
        with self._queue:
            gone = self._file.delete(subject)
            with self._lock:
                self._cache = _Cache(0.0)
            self._file.overwrite()  # what an earlier call deleted too
        return gone > 0

    def _seal(self, subject: str, text: str, bound: bytes) -> str:
        wanted = (subject, text, bound)
        with self._lock:
            if self._clock() >= self._cache.until:
                self._cache = _Cache(self._clock() + _CACHE_SECONDS)
            cache = self._cache
            found, key = cache.sealed.get(wanted), cache.keys.get(subject)
        if found is not None:
            return found
        key_id, cipher = key or self._key(subject, cache)
        nonce = os.urandom(_NONCE_BYTES)
        data = cipher.encrypt(nonce, text.encode("utf-8", "replace"), key_id + bound)
        found = PREFIX + base64.b64encode(key_id + nonce + data).decode()
        with self._lock:
            cache.sealed[wanted] = found
            if len(cache.sealed) > _CACHED:
                cache.sealed.popitem(last=False)
        return found

    def _key(self, subject: str, cache: _Cache) -> tuple[bytes, AESGCM]:
        """The key from the file, if that can be used in a moment."""
        self._refuse_rest()
        if not self._queue.acquire(timeout=_QUEUE_SECONDS):
            raise self._rest()
        try:
            self._refuse_rest()  # whoever was before us may have waited in vain
            key_id, key = self._file.key_of(subject, seconds=_FILE_SECONDS)
        except Unusable:
            self._rest()
            raise
        finally:
            self._queue.release()
        self.failing = False
        with self._lock:
            if len(cache.keys) >= _CACHED:
                cache.keys.clear()
            found = cache.keys[subject] = key_id, AESGCM(key)
        return found

    def _refuse_rest(self) -> None:
        if self._clock() < self._rests_until:
            raise self._file.unusable("it could not be a moment ago")

    def _rest(self) -> CryptoError:
        self.failing = True
        self._rests_until = self._clock() + _REST_SECONDS
        return self._file.unusable("it takes too long")


def _start_over(itself: weakref.ref[PersonalKeys]) -> None:
    here = itself()
    if here is not None:
        # Another thread of the parent may have held the old ones.
        here._lock, here._queue = threading.RLock(), threading.RLock()

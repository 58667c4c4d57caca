"""Sealed records: authenticated encryption that commits to its key, bound to a place.

The format, its bounds and what it does not claim: docs/reference/sealed-format.md. In short:

    version 1 | commitment 32 | nonce prefix 12 | nonce 12 | ciphertext | tag 16

From byte 33 on a record is exactly XAES-256-GCM (C2SP), which any implementation of it opens.
"""

from __future__ import annotations

import itertools
import os
import threading
import weakref
from collections.abc import Callable
from functools import lru_cache
from time import monotonic
from typing import NamedTuple, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from stockade.core.bus import emit
from stockade.core.errors import CryptoError
from stockade.core.events import Outcome
from stockade.crypto.keys import KeySet, KeyState
from stockade.crypto.xaes import NONCE_BYTES, PREFIX_BYTES, subkey_cipher

__all__ = ["OVERHEAD", "KeyProvider", "Sealer", "column_key"]

VERSION = b"\x01"
COMMITMENT_BYTES = 32  # HKDF-SHA256's full output: 128 bits of security against collisions
TAG_BYTES = 16
_HEADER = len(VERSION) + COMMITMENT_BYTES + PREFIX_BYTES
_BODY = _HEADER + NONCE_BYTES
OVERHEAD = _BODY + TAG_BYTES
"""How many bytes longer a sealed record is than its plaintext: 73."""

_LABEL = b"stockade/sealed-record@v1\x00"
EPOCH_RECORDS = 1 << 20  # random 96-bit nonces under one subkey: a repeat has odds of 2^-57
CACHED_SUBKEYS = 4096  # some 10 MB a sealer at the very most; more gains little
MAX_PLAINTEXT = (1 << 31) - 1 - TAG_BYTES  # what one call of the library takes
_COPY_BELOW = 1 << 15  # below this, copying the ciphertext is cheaper than a memoryview of it

_Cipher = Callable[[bytes, bytes | memoryview, bytes], bytes]


class KeyProvider(Protocol):
    """What a sealer needs of a keyring."""

    check_at: float
    keys: KeySet

    def refresh(self) -> bool: ...


def column_key(key: bytes, table: str, column: str) -> tuple[bytes, bytes]:
    """The key of a column and its public commitment, 32 bytes each (HKDF-Expand, RFC 5869, 2.3).

    Both lengths are written before the names, so that no two columns share an input.
    """
    info = _LABEL
    for name in (table.encode(), column.encode()):
        info += len(name).to_bytes(4, "big") + name
    derived = HKDFExpand(hashes.SHA256(), 32 + COMMITMENT_BYTES, info).derive(key)
    return derived[:32], derived[32:]


class _Epoch(NamedTuple):
    """A stretch of records that share a subkey: one process, one column, EPOCH_RECORDS at most."""

    encrypt: _Cipher
    header: bytes
    turn: Callable[[], int]


class _Ciphers(NamedTuple):
    """Everything derived from one state of the keyring; thrown away whole when that changes."""

    primary: tuple[bytes, bytes]
    decrypt: Callable[[bytes], _Cipher]


class Sealer:
    """Seals and opens the records of one column. Made by `Keyring.sealer`; threads may share it.

    `row` is the row's identity (for instance its primary key as bytes): a record opens only with
    the row that it was sealed for. Errors: CryptoError, and the event `crypt_decrypt_fail`.
    """

    def __init__(self, keyring: KeyProvider, table: str, column: str) -> None:
        self._keyring = keyring
        self.table = table
        self.column = column
        self._lock = threading.Lock()
        self._ciphers: _Ciphers | None = None
        self._epoch: _Epoch | None = None
        _sealers.add(self)

    def __repr__(self) -> str:
        return f"Sealer({self.table!r}, {self.column!r})"

    def seal(self, plaintext: bytes, row: bytes = b"") -> bytes:
        """A sealed record, 73 bytes longer than `plaintext` (at most 2 GiB less 17 bytes)."""
        if monotonic() >= self._keyring.check_at:
            self._keyring.refresh()
        epoch = self._epoch
        if epoch is None or epoch.turn() > EPOCH_RECORDS:
            epoch = self._next_epoch(epoch)
        nonce = os.urandom(NONCE_BYTES)
        try:
            return epoch.header + nonce + epoch.encrypt(nonce, plaintext, row)
        except OverflowError:
            emit(
                "crypt_encrypt_fail", Outcome.FAILED, "crypto",
                "A value is too long to be sealed.", rule="crypto.seal",
                table=self.table, column=self.column, length=len(plaintext),
            )  # fmt: skip
            raise CryptoError(
                f"a value of {self.table}.{self.column} is too long to be sealed as one record: "
                f"{MAX_PLAINTEXT} bytes are possible; split it"
            ) from None

    def open(self, sealed: bytes, row: bytes = b"") -> bytes:
        """The plaintext. Raises CryptoError unless key, column, row and every byte are right."""
        if monotonic() >= self._keyring.check_at:
            self._keyring.refresh()
        if len(sealed) < OVERHEAD:
            raise self._refused("not_a_record", _NOT_A_RECORD)
        ciphers = self._ciphers or self._derive()
        try:
            decrypt = ciphers.decrypt(sealed[:_HEADER])
        except KeyError:
            if not sealed.startswith(VERSION):
                raise self._refused("not_a_record", _NOT_A_RECORD) from None
            # Perhaps another process rotated a moment ago, and another thread has noticed already.
            if not self._keyring.refresh() and self._ciphers is ciphers:
                raise self._refused("unknown_key", _UNKNOWN_KEY) from None
            try:
                decrypt = self._derive().decrypt(sealed[:_HEADER])
            except KeyError:
                raise self._refused("unknown_key", _UNKNOWN_KEY) from None
        nonce = sealed[_HEADER:_BODY]
        body = sealed[_BODY:] if len(sealed) < _COPY_BELOW else memoryview(sealed)[_BODY:]
        try:
            return decrypt(nonce, body, row)
        except InvalidTag:
            raise self._refused("not_authentic", _NOT_AUTHENTIC) from None

    def forget(self) -> None:
        """Drop everything derived from the keys: called by the keyring when they change."""
        # Under the lock: a derivation that began before the change has ended, and goes too.
        with self._lock:
            self._ciphers = self._epoch = None

    def needs_reseal(self, sealed: bytes) -> bool:
        """Whether `sealed` is under another key than the primary one of now."""
        ciphers = self._ciphers or self._derive()
        return sealed[len(VERSION) : len(VERSION) + COMMITMENT_BYTES] != ciphers.primary[1]

    def _derive(self) -> _Ciphers:
        with self._lock:
            if self._ciphers is None:
                keys = self._keyring.keys
                usable = keys.usable("seal", KeyState.ACTIVE, KeyState.DEACTIVATED)
                derived = [column_key(key.reveal(), self.table, self.column) for key in usable]
                ring = {VERSION + commitment: key for key, commitment in derived}
                self._ciphers = _Ciphers(derived[0], _opener(ring))
            return self._ciphers

    def _next_epoch(self, spent: _Epoch | None) -> _Epoch:
        ciphers = self._ciphers or self._derive()
        key, commitment = ciphers.primary
        prefix = os.urandom(PREFIX_BYTES)
        fresh = _Epoch(
            subkey_cipher(key, prefix).encrypt,
            VERSION + commitment + prefix,
            itertools.count(2).__next__,  # the record about to be sealed is the first
        )
        with self._lock:
            if self._epoch is spent and self._ciphers is ciphers:
                self._epoch = fresh
        # Where another thread was faster, or the keys changed meanwhile, this epoch has one record.
        return fresh

    def _refused(self, cause: str, why: str) -> CryptoError:
        emit(
            "crypt_decrypt_fail", Outcome.BLOCKED, "crypto", "A sealed record did not open.",
            rule="crypto.open", table=self.table, column=self.column, cause=cause,
        )  # fmt: skip
        return CryptoError(f"a record of {self.table}.{self.column} does not open: {why}")

    def _after_fork(self) -> None:
        self._lock = threading.Lock()  # another thread of the parent may have held the old one
        self._epoch = None  # an epoch belongs to one process


_NOT_A_RECORD = "this is not a sealed record of version 1; check where the bytes come from"
_UNKNOWN_KEY = (
    "no key of this keyring fits, so it was sealed for another column, with another keyring, or "
    "with a key that was destroyed; check where the bytes come from"
)
_NOT_AUTHENTIC = (
    "its bytes were changed or it was sealed for another row; check where the bytes come from"
)


def _opener(ring: dict[bytes, bytes]) -> Callable[[bytes], _Cipher]:
    """From a record's first 45 bytes to its cipher; KeyError if no key has that commitment.

    `ring` has the column's keys by the 33 bytes that their records begin with.

    A plain function, not a method: a cache that refers to its owner would outlive it until the
    next run of the garbage collector, and dropped keys with it.
    """

    @lru_cache(CACHED_SUBKEYS)
    def decrypt_of(header: bytes) -> _Cipher:
        key = ring[header[:-PREFIX_BYTES]]
        return subkey_cipher(key, header[-PREFIX_BYTES:]).decrypt

    return decrypt_of


_sealers: weakref.WeakSet[Sealer] = weakref.WeakSet()


def _after_fork() -> None:
    for sealer in list(_sealers):
        sealer._after_fork()


os.register_at_fork(after_in_child=_after_fork)

"""The keys that sign an audit log: Ed25519, derived from the keyring's signing keys.

Derived, so that nothing which the application has signed can be taken for a checkpoint, and so that
two logs share no key (SP 800-57 part 1, 5.2: a key serves one purpose). They rotate with the
signing keys, and end with them.
"""

from __future__ import annotations

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from stockade.core.errors import CryptoError
from stockade.crypto.keys import KeySet, KeyState
from stockade.crypto.sealing import KeyProvider

__all__ = ["LogSigner"]

_LABEL = b"stockade/audit-log@v1\x00"


class LogSigner:
    """Signs checkpoints of the log `origin`. Made by `Keyring.log_signer`. Errors: CryptoError."""

    def __init__(self, keyring: KeyProvider, origin: str) -> None:
        self._keyring = keyring
        self._info = _LABEL + origin.encode()
        self._keys: KeySet | None = None
        self._active: dict[bytes, Ed25519PrivateKey] = {}
        self._former: tuple[bytes, ...] = ()

    def __repr__(self) -> str:
        return "LogSigner(Ed25519)"

    def public_keys(self) -> tuple[bytes, ...]:
        """The public keys (32 bytes) that may sign, the one that does first."""
        return tuple(self._current())

    def former_keys(self) -> tuple[bytes, ...]:
        """Those that were withdrawn: what they signed before is still known by them."""
        self._current()
        return self._former

    def sign(self, message: bytes, public: bytes) -> bytes:
        """64 bytes (RFC 8032) by the key whose public half is `public`."""
        key = self._current().get(public)
        if key is None:
            raise CryptoError(
                "the key that should sign the audit log is no active key of this keyring: another "
                "process rotated or withdrew it; try again"
            )
        return key.sign(message)

    def _current(self) -> dict[bytes, Ed25519PrivateKey]:
        self._keyring.refresh()  # one stat: signing is rare, and a withdrawn key must not do it
        keys = self._keyring.keys
        if keys is not self._keys:
            active = [self._derive(key.reveal()) for key in keys.usable("sign", KeyState.ACTIVE)]
            former = [
                self._derive(key.reveal()) for key in keys.usable("sign", KeyState.DEACTIVATED)
            ]
            self._active = {key.public_key().public_bytes_raw(): key for key in active}
            self._former = tuple(key.public_key().public_bytes_raw() for key in former)
            self._keys = keys
        return self._active

    def _derive(self, key: bytes) -> Ed25519PrivateKey:
        seed = HKDFExpand(hashes.SHA256(), 32, self._info).derive(key)
        return Ed25519PrivateKey.from_private_bytes(seed)

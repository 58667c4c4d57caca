"""HMAC-SHA256 (RFC 2104): fingerprints that mean nothing without the key."""

from __future__ import annotations

import hmac
from time import monotonic

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from stockade.core.errors import CryptoError
from stockade.crypto.keys import KeySet, KeyState
from stockade.crypto.sealing import KeyProvider
from stockade.crypto.unverified import tell_unverified

__all__ = ["Mac", "hmac_sha256"]

_LABEL = b"stockade/mac@v1\x00"
_FINGERPRINT_HEX = 16  # 64 bits: equal values are found, and a chance match needs billions of them


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    """HMAC-SHA256, 32 bytes."""
    return hmac.digest(key, data, "sha256")


class Mac:
    """Keyed fingerprints for one purpose. Made by `Keyring.mac`."""

    def __init__(self, keyring: KeyProvider, purpose: str) -> None:
        self._keyring = keyring
        self._info = _LABEL + purpose.encode()
        self._keys: KeySet | None = None
        self._derived: list[bytes] = []

    def __repr__(self) -> str:
        return "Mac(HMAC-SHA256)"

    def mac(self, data: bytes) -> bytes:
        """32 bytes, by the primary key: equal data have equal MACs until the key is rotated."""
        return hmac_sha256(self._current()[0], data)

    def fingerprint(self, text: str) -> str:
        """16 hexadecimal digits of the MAC, for events; any `str`, lone surrogates too."""
        return self.mac(text.encode("utf-8", "surrogatepass")).hex()[:_FINGERPRINT_HEX]

    def verify(self, tag: bytes, data: bytes) -> None:
        """Return if `tag` is the MAC of `data` by any active key, in constant time each.

        Raises CryptoError otherwise.
        """
        matches = [hmac.compare_digest(tag, candidate) for candidate in self.candidates(data)]
        if not any(matches):
            tell_unverified("crypto.mac", "not_authentic")
            raise CryptoError(
                "the MAC is not one of these bytes by an active key: one or the other was changed, "
                "or the key was withdrawn; do not use either"
            )

    def candidates(self, data: bytes) -> list[bytes]:
        """The MACs of `data` by all active keys, the primary one's first: for lookups."""
        return [hmac_sha256(key, data) for key in self._current()]

    def _current(self) -> list[bytes]:
        if monotonic() >= self._keyring.check_at:
            self._keyring.refresh()
        keys = self._keyring.keys
        if keys is self._keys:
            return self._derived
        derived = [
            HKDFExpand(hashes.SHA256(), 32, self._info).derive(key.reveal())
            for key in keys.usable("mac", KeyState.ACTIVE)
        ]
        self._derived, self._keys = derived, keys
        return derived

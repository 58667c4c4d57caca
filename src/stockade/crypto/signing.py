"""Ed25519 signatures (RFC 8032) that say which key made them."""

from __future__ import annotations

from time import monotonic

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from stockade.core.errors import CryptoError
from stockade.crypto.keys import KeySet, KeyState
from stockade.crypto.sealing import KeyProvider
from stockade.crypto.unverified import tell_unverified

__all__ = ["SIGNATURE_BYTES", "Signer", "verify_detached"]

_ID_BYTES = 8
SIGNATURE_BYTES = _ID_BYTES + 64
"""The key's id, then the 64 bytes of RFC 8032."""


def verify_detached(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether `signature` (64 bytes) is one of `message` under `public_key` (32 bytes)."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


class Signer:
    """Signs with the primary key, verifies with every active one. Made by `Keyring.signer`."""

    def __init__(self, keyring: KeyProvider) -> None:
        self._keyring = keyring
        self._keys: KeySet | None = None
        self._private: tuple[bytes, Ed25519PrivateKey] | None = None
        self._public: dict[bytes, Ed25519PublicKey] = {}

    def __repr__(self) -> str:
        return "Signer(Ed25519)"

    def sign(self, message: bytes) -> bytes:
        """72 bytes: the key's id and the signature. The message is not in it."""
        private, _ = self._current()
        key_id, key = private
        return key_id + key.sign(message)

    def verify(self, signature: bytes, message: bytes) -> None:
        """Return if `signature` is ours and of `message`. Raises CryptoError otherwise."""
        if len(signature) != SIGNATURE_BYTES:
            tell_unverified("crypto.signature", "not_a_signature")
            raise CryptoError(
                f"a signature has {SIGNATURE_BYTES} bytes, this has not: it was cut or is not ours"
            )
        key_id = signature[:_ID_BYTES]
        _, public = self._current()
        if key_id not in public:
            self._keyring.refresh()
            _, public = self._current()
        key = public.get(key_id)
        if key is None:
            tell_unverified("crypto.signature", "unknown_key")
            raise CryptoError(
                "the signature's key is unknown, deactivated or destroyed: sign again with a key "
                "of this keyring"
            )
        try:
            key.verify(signature[_ID_BYTES:], message)
        except InvalidSignature:
            tell_unverified("crypto.signature", "not_authentic")
            raise CryptoError(
                "the signature is not one of this message: signature or message was changed; "
                "do not use either"
            ) from None

    def public_keys(self) -> dict[str, bytes]:
        """Key id to raw public key (32 bytes) of every accepted key: for other verifiers."""
        return {key_id.hex(): key.public_bytes_raw() for key_id, key in self._current()[1].items()}

    def _current(self) -> tuple[tuple[bytes, Ed25519PrivateKey], dict[bytes, Ed25519PublicKey]]:
        if monotonic() >= self._keyring.check_at:
            self._keyring.refresh()
        keys = self._keyring.keys
        if self._private is None or keys is not self._keys:
            pairs = [
                (bytes.fromhex(key.id), Ed25519PrivateKey.from_private_bytes(key.reveal()))
                for key in keys.usable("sign", KeyState.ACTIVE)
            ]
            private = pairs[0]
            public = {key_id: key.public_key() for key_id, key in pairs}
            self._private, self._public, self._keys = private, public, keys
            return private, public
        return self._private, self._public

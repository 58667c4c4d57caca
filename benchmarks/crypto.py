"""What a sealed record costs against AES-256-GCM with the same nonces and a reused object.

The bare side does what any use of it must: a random nonce, stored before the ciphertext.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks.claim import Measured
from benchmarks.rounds import calls, ratios, same, turn_about
from stockade.crypto import Keyring, Sealer

__all__ = ["open_1k", "seal_1k", "seal_64k"]

_ROUNDS = 61
_ROW = b"patient-17"
_KIB = 1_024


def seal_1k(effort: int) -> Measured:
    """Sealing of 1 KiB."""
    return _seal(_KIB, 1_000, effort)


def seal_64k(effort: int) -> Measured:
    """Sealing of 64 KiB."""
    return _seal(64 * _KIB, 100, effort)


def open_1k(effort: int) -> Measured:
    """Opening of 1 KiB, sealed by this process."""
    plaintext, times = os.urandom(_KIB), 1_000
    sealer, cipher = _sealer(), AESGCM(AESGCM.generate_key(256))
    sealed, encrypted = sealer.seal(plaintext, _ROW), _encrypt(cipher)(plaintext)

    def decrypt(record: bytes) -> bytes:
        return cipher.decrypt(record[:12], record[12:], _ROW)

    def open_sealed(record: bytes) -> bytes:
        return sealer.open(record, _ROW)

    assert decrypt(encrypted) == open_sealed(sealed) == plaintext
    pairs = turn_about(
        calls(decrypt, same(encrypted, times)),
        calls(open_sealed, same(sealed, times)),
        _ROUNDS * effort,
    )
    return ratios(pairs)


def _seal(size: int, times: int, effort: int) -> Measured:
    plaintext, sealer = os.urandom(size), _sealer()
    encrypt = _encrypt(AESGCM(AESGCM.generate_key(256)))

    def seal(plaintext: bytes) -> bytes:
        return sealer.seal(plaintext, _ROW)

    assert sealer.open(seal(plaintext), _ROW) == plaintext
    pairs = turn_about(
        calls(encrypt, same(plaintext, times)),
        calls(seal, same(plaintext, times)),
        _ROUNDS * effort,
    )
    return ratios(pairs)


def _sealer() -> Sealer:
    return Keyring.ephemeral().sealer("patients", "diagnosis")


def _encrypt(cipher: AESGCM) -> Callable[[bytes], bytes]:
    def encrypt(plaintext: bytes) -> bytes:
        nonce = os.urandom(12)
        return nonce + cipher.encrypt(nonce, plaintext, _ROW)

    return encrypt

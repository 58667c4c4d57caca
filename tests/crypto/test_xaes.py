from __future__ import annotations

import hashlib

import pytest

from stockade.crypto.xaes import subkey_cipher

NONCE = b"ABCDEFGHIJKLMNOPQRSTUVWX"


# The two vectors of C2SP's XAES-256-GCM, the one where the CMAC subkey's top bit is 0 and 1.
@pytest.mark.parametrize(
    ("key", "aad", "expected"),
    [
        (b"\x01" * 32, b"", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"),
        (
            b"\x03" * 32,
            b"c2sp.org/XAES-256-GCM",
            "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d",
        ),
    ],
)
def test_vectors_of_c2sp(key: bytes, aad: bytes, expected: str) -> None:
    cipher = subkey_cipher(key, NONCE[:12])
    sealed = cipher.encrypt(NONCE[12:], b"XAES-256-GCM", aad)
    assert sealed.hex() == expected
    assert cipher.decrypt(NONCE[12:], sealed, aad) == b"XAES-256-GCM"


def test_accumulated_vectors_of_c2sp() -> None:
    """10,000 random inputs from SHAKE128, the hash of all outputs as C2SP publishes it."""
    stream = hashlib.shake_128(b"").digest(32 + 24 + 2 * 256 + 10_000 * 320)
    digest, position = hashlib.shake_128(), 0

    def take(length: int) -> bytes:
        nonlocal position
        position += length
        assert position <= len(stream)
        return stream[position - length : position]

    for _ in range(10_000):
        key, nonce = take(32), take(24)
        plaintext = take(take(1)[0])
        aad = take(take(1)[0])
        digest.update(subkey_cipher(key, nonce[:12]).encrypt(nonce[12:], plaintext, aad))
    assert digest.hexdigest(32) == (
        "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939"
    )

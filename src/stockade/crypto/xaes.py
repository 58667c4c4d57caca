"""The subkeys of XAES-256-GCM (C2SP), which lift AES-GCM's 96-bit nonce to 192 bits.

XAES-256-GCM is AES-256-GCM under a key derived from the first half of the nonce, with the second
half as GCM's own nonce. The derivation is NIST SP 800-108r1, 4.1, counter mode over CMAC, with a
16-bit counter before the label `X`, a zero byte and the 12 bytes of nonce; C2SP's document writes
the same thing out in single AES blocks. The library's KBKDF therefore does the whole of it.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFCMAC, CounterLocation, Mode

__all__ = ["NONCE_BYTES", "PREFIX_BYTES", "subkey_cipher"]

PREFIX_BYTES = 12
"""The part of the nonce that chooses the subkey."""
NONCE_BYTES = 12
"""The part of the nonce that AES-GCM itself is given."""


def subkey_cipher(key: bytes, prefix: bytes) -> AESGCM:
    """AES-256-GCM under the subkey that `key` (32 bytes) has for `prefix` (12 bytes)."""
    return AESGCM(
        KBKDFCMAC(
            algorithms.AES,
            Mode.CounterMode,
            length=32,
            rlen=2,
            llen=None,
            location=CounterLocation.BeforeFixed,
            label=None,
            context=None,
            fixed=b"X\0" + prefix,
        ).derive(key)
    )

"""Data at rest: keyrings that rotate, sealed records, signatures, fingerprints, passwords.

    from stockade.crypto import Keyring
    keyring = Keyring.open(".stockade/keys.json", create=True)
    sealer = keyring.sealer("patients", "diagnosis")
    sealed = sealer.seal(b"asthma", row=b"patient-17")

Which one? A column that must not be read from a stolen database: `Sealed`, or `SealedAttribute`
where records must not be moved between rows either. Bytes of your own: `Keyring.sealer`. Something
that others must be able to check: `Keyring.signer`. A value that an event or a lookup may show only
as a fingerprint: `Keyring.mac`. A password: `Argon2idHasher`.

Keys live in one JSON file, mode 0600, in a folder of mode 0700; whoever reads that file reads
everything, so it belongs neither in the repository nor in the database's backup. The format of a
sealed record is in docs/reference/sealed-format.md. Every primitive is the cryptography library's.

Names are loaded when they are first used: `Keyring` pulls in no SQLAlchemy, and nothing here pulls
in a web framework.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stockade.crypto.keyring import Keyring
    from stockade.crypto.keys import Key, KeyState
    from stockade.crypto.mac import Mac
    from stockade.crypto.passwords import Argon2idHasher, Argon2Parameters
    from stockade.crypto.sealing import Sealer
    from stockade.crypto.signing import Signer
    from stockade.crypto.sqlalchemy import Sealed, SealedAttribute

__all__ = [
    "Argon2Parameters",
    "Argon2idHasher",
    "Key",
    "KeyState",
    "Keyring",
    "Mac",
    "Sealed",
    "SealedAttribute",
    "Sealer",
    "Signer",
]

_HOME = {
    "Argon2Parameters": "stockade.crypto.passwords",
    "Argon2idHasher": "stockade.crypto.passwords",
    "Key": "stockade.crypto.keys",
    "KeyState": "stockade.crypto.keys",
    "Keyring": "stockade.crypto.keyring",
    "Mac": "stockade.crypto.mac",
    "Sealed": "stockade.crypto.sqlalchemy",
    "SealedAttribute": "stockade.crypto.sqlalchemy",
    "Sealer": "stockade.crypto.sealing",
    "Signer": "stockade.crypto.signing",
}


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'stockade.crypto' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

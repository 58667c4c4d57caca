from __future__ import annotations

import pytest

import stockade.crypto
from stockade.core import ports
from stockade.crypto import Argon2idHasher, Keyring


def test_every_exported_name_loads() -> None:
    assert set(stockade.crypto.__all__) == set(stockade.crypto._HOME) == set(dir(stockade.crypto))
    for name in stockade.crypto.__all__:
        assert getattr(stockade.crypto, name).__name__ == name


def test_unknown_names_are_unknown() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Fernet'"):
        _ = stockade.crypto.Fernet


def test_ports_are_met() -> None:
    """mypy checks these assignments; running them checks that they can be made."""
    keyring = Keyring.ephemeral()
    sealer: ports.Sealer = keyring.sealer("t", "c")
    signer: ports.Signer = keyring.signer()
    mac: ports.Mac = keyring.mac()
    hasher: ports.PasswordHasher = Argon2idHasher()
    assert all((sealer, signer, mac, hasher))

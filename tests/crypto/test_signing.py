from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.core.errors import CryptoError
from stockade.core.events import Event
from stockade.crypto import Keyring
from stockade.crypto.signing import SIGNATURE_BYTES, verify_detached

KEYRING = Keyring.ephemeral()
SIGNER = KEYRING.signer()


@given(st.binary(max_size=500))
def test_round_trip(message: bytes) -> None:
    signature = SIGNER.sign(message)
    assert len(signature) == SIGNATURE_BYTES
    SIGNER.verify(signature, message)


def test_every_flipped_bit_is_refused(audit_events: list[Event]) -> None:
    signature = SIGNER.sign(b"message")
    SIGNER.verify(signature, b"message")
    for position in range(len(signature) * 8):
        changed = bytearray(signature)
        changed[position // 8] ^= 1 << position % 8
        with pytest.raises(CryptoError):
            SIGNER.verify(bytes(changed), b"message")
    for message in (b"", b"messagf", b"message\0"):
        with pytest.raises(CryptoError, match="do not use"):
            SIGNER.verify(signature, message)
    assert {(event.name, event.rule) for event in audit_events} == {
        ("crypt_verify_fail", "crypto.signature")
    }


@given(st.binary(max_size=100))
def test_any_other_bytes_are_refused(signature: bytes) -> None:
    with pytest.raises(CryptoError):
        SIGNER.verify(signature, b"message")


def test_rotation_deactivation_destruction() -> None:
    keyring = Keyring.ephemeral()
    signer = keyring.signer()
    old = signer.sign(b"m")
    first = keyring.keys.primary("sign").id
    keyring.rotate("sign")
    new = signer.sign(b"m")
    assert old[:8].hex() == first != new[:8].hex()
    signer.verify(old, b"m")
    signer.verify(new, b"m")
    keyring.deactivate(first)
    with pytest.raises(CryptoError, match="deactivated"):
        signer.verify(old, b"m")
    keyring.destroy(first)
    with pytest.raises(CryptoError, match="destroyed"):
        signer.verify(old, b"m")
    signer.verify(new, b"m")


def test_a_key_id_does_not_choose_another_key() -> None:
    keyring = Keyring.ephemeral()
    signer = keyring.signer()
    old = signer.sign(b"m")
    keyring.rotate("sign")
    new = signer.sign(b"m")
    with pytest.raises(CryptoError):
        signer.verify(new[:8] + old[8:], b"m")


def test_public_keys_verify_elsewhere() -> None:
    signature = SIGNER.sign(b"m")
    public = SIGNER.public_keys()[signature[:8].hex()]
    assert verify_detached(public, signature[8:], b"m")
    assert not verify_detached(public, signature[8:], b"n")


def test_wycheproof(wycheproof: Any) -> None:
    for group, test in wycheproof("ed25519_test.json"):
        public = bytes.fromhex(group["publicKey"]["pk"])
        signature, message = bytes.fromhex(test["sig"]), bytes.fromhex(test["msg"])
        accepted = verify_detached(public, signature, message)
        assert accepted == (test["result"] == "valid"), test["tcId"]

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.core.errors import CryptoError
from stockade.core.events import Event
from stockade.crypto import Keyring
from stockade.crypto.mac import hmac_sha256

KEYRING = Keyring.ephemeral()
MAC = KEYRING.mac("events")


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_equal_data_equal_macs(first: bytes, second: bytes) -> None:
    assert len(MAC.mac(first)) == 32
    assert (MAC.mac(first) == MAC.mac(second)) == (first == second)
    MAC.verify(MAC.mac(first), first)


@given(st.text())
def test_fingerprint_of_any_text(text: str) -> None:
    fingerprint = MAC.fingerprint(text)
    assert len(fingerprint) == 16
    assert fingerprint == KEYRING.mac("events").fingerprint(text)
    assert bytes.fromhex(fingerprint) == MAC.mac(text.encode())[:8]


def test_fingerprint_of_a_lone_surrogate() -> None:
    assert len(MAC.fingerprint("\ud800")) == 16


def test_purposes_and_keyrings_are_apart() -> None:
    macs = {
        MAC.mac(b"x"),
        KEYRING.mac("sessions").mac(b"x"),
        Keyring.ephemeral().mac("events").mac(b"x"),
    }
    assert len(macs) == 3


def test_changes_are_refused(audit_events: list[Event]) -> None:
    tag = MAC.mac(b"x")
    for wrong in (b"", tag[:-1], tag + b"\0", bytes(32)):
        with pytest.raises(CryptoError):
            MAC.verify(wrong, b"x")
    with pytest.raises(CryptoError):
        MAC.verify(tag, b"y")
    assert [(event.name, event.rule) for event in audit_events] == [
        ("crypt_verify_fail", "crypto.mac")
    ] * 5


def test_rotation_keeps_old_macs_until_the_key_is_withdrawn() -> None:
    keyring = Keyring.ephemeral()
    mac = keyring.mac()
    old, first = mac.mac(b"x"), keyring.keys.primary("mac").id
    keyring.rotate("mac")
    assert mac.mac(b"x") != old
    assert mac.candidates(b"x") == [mac.mac(b"x"), old]
    mac.verify(old, b"x")
    keyring.deactivate(first)
    with pytest.raises(CryptoError, match="withdrawn"):
        mac.verify(old, b"x")


def test_wycheproof(wycheproof: Any) -> None:
    for group, test in wycheproof("hmac_sha256_test.json"):
        tag = hmac_sha256(bytes.fromhex(test["key"]), bytes.fromhex(test["msg"]))
        same = tag[: group["tagSize"] // 8].hex() == test["tag"]
        assert same == (test["result"] == "valid"), test["tcId"]

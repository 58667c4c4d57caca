from __future__ import annotations

import re
import threading
import time
import unicodedata
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from hypothesis import given, settings
from hypothesis import strategies as st

from stockade.core.errors import CryptoError
from stockade.core.events import Event
from stockade.crypto import Argon2idHasher
from stockade.crypto.passwords import FOR_TESTS_ONLY, OWASP, RFC_9106_LOW_MEMORY

QUICK = Argon2idHasher(FOR_TESTS_ONLY)


@settings(max_examples=50)
@given(st.text(max_size=100), st.text(max_size=100))
def test_only_the_same_password_verifies(password: str, other: str) -> None:
    encoded = QUICK.hash(password)
    assert QUICK.verify(encoded, password)
    same = unicodedata.normalize("NFKC", password) == unicodedata.normalize("NFKC", other)
    assert QUICK.verify(encoded, other) == same


def test_the_same_password_typed_on_two_systems() -> None:
    assert QUICK.verify(QUICK.hash("caf\u00e9"), "cafe\u0301")


def test_default_parameters_are_the_rfcs() -> None:
    hasher = Argon2idHasher()
    encoded = hasher.hash("correct horse")
    assert re.fullmatch(
        r"\$argon2id\$v=19\$m=65536,t=3,p=4\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}", encoded
    )
    assert hasher.verify(encoded, "correct horse")
    assert not hasher.verify(encoded, "correct horsf")
    assert not hasher.needs_rehash(encoded)
    assert encoded != hasher.hash("correct horse")  # a fresh salt


def test_owasp_parameters_are_within_the_cheat_sheet() -> None:
    assert (OWASP.memory_kib, OWASP.iterations, OWASP.lanes) == (19456, 2, 1)


def test_only_one_set_is_for_tests() -> None:
    sets = (RFC_9106_LOW_MEMORY, OWASP, FOR_TESTS_ONLY)
    assert [each.for_tests_only for each in sets] == [False, False, True]
    assert "for_tests_only=True" in repr(QUICK)


def test_needs_rehash() -> None:
    encoded = QUICK.hash("x")
    assert not QUICK.needs_rehash(encoded)
    assert Argon2idHasher(OWASP).needs_rehash(encoded)


DAMAGED = [
    "",
    "x",
    "correct horse",
    "$2b$12$abcdefghijklmnopqrstuv",
    "$argon2i$v=19$m=8,t=1,p=1$YWFhYWFhYWFhYWFhYWFhYQ$q3oSMMLc2ITyyuWT+nQg36p1ow24vlMUv2hgc8k8wxE",
    "$argon2id$v=16$m=8,t=1,p=1$YWFhYWFhYWFhYWFhYWFhYQ$q3oSMMLc2ITyyuWT+nQg36p1ow24vlMUv2hgc8k8wxE",
    "$argon2id$v=19$m=8,t=1,p=1$YWFhYWFhYWFhYWFhYWFhYQ",
]


@pytest.mark.parametrize("encoded", DAMAGED)
def test_a_damaged_hash_is_an_error_not_a_wrong_password(
    encoded: str, audit_events: list[Event]
) -> None:
    attempts: list[Callable[[], bool]] = [
        lambda: QUICK.verify(encoded, "x"),
        lambda: QUICK.needs_rehash(encoded),
    ]
    for attempt in attempts:
        with pytest.raises(CryptoError, match="not an Argon2id PHC string") as caught:
            attempt()
        assert not encoded or len(encoded) < 2 or encoded not in str(caught.value)
    assert [(event.name, event.rule) for event in audit_events] == [
        ("crypt_verify_fail", "crypto.password-hash")
    ] * 2


@given(st.text(alphabet="$argon2idv=19mtp,0123456789ABab+/", max_size=120))
def test_any_text_is_refused_or_answered(encoded: str) -> None:
    with pytest.raises(CryptoError):
        QUICK.verify(encoded, "x")


@pytest.mark.parametrize("costs", ["m=999999999,t=1,p=1", "m=8,t=999999999,p=1", "m=8,t=1,p=999"])
def test_absurd_costs_are_refused_before_they_are_paid(costs: str) -> None:
    encoded = QUICK.hash("x").replace("m=8,t=1,p=1", costs)
    started = time.monotonic()
    with pytest.raises(CryptoError, match="could stop the service"):
        QUICK.verify(encoded, "x")
    assert time.monotonic() - started < 0.5


def test_hashes_of_others_verify() -> None:
    """A PHC string as any Argon2 library writes it, other salt and hash lengths included."""
    foreign = Argon2id(salt=b"8 bytes!", length=16, iterations=2, lanes=2, memory_cost=32)
    encoded = foreign.derive_phc_encoded(b"x")
    assert QUICK.verify(encoded, "x")
    assert not QUICK.verify(encoded, "y")


def test_a_flood_waits_for_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    running, most, lock = 0, 0, threading.Lock()

    class Counting:
        @staticmethod
        def verify_phc_encoded(password: bytes, encoded: str) -> None:
            nonlocal running, most
            with lock:
                running += 1
                most = max(most, running)
            time.sleep(0.01)
            with lock:
                running -= 1

    hasher = Argon2idHasher(FOR_TESTS_ONLY, parallel=2)
    encoded = hasher.hash("x")
    monkeypatch.setattr("stockade.crypto.passwords.Argon2id", Counting)
    threads = [threading.Thread(target=hasher.verify, args=(encoded, "x")) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2

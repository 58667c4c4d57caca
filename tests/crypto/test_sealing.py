from __future__ import annotations

import hmac
import os
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import cmac, hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from hypothesis import given
from hypothesis import strategies as st

from stockade.core.errors import CryptoError
from stockade.core.events import Event
from stockade.crypto import Keyring, sealing
from stockade.crypto.xaes import subkey_cipher

KEYRING = Keyring.ephemeral()
SEALER = KEYRING.sealer("patients", "diagnosis")


@given(st.binary(max_size=2000), st.binary(max_size=100))
def test_round_trip(plaintext: bytes, row: bytes) -> None:
    sealed = SEALER.seal(plaintext, row)
    assert len(sealed) == len(plaintext) + sealing.OVERHEAD
    assert SEALER.open(sealed, row) == plaintext


@pytest.mark.parametrize("size", [0, 1, (1 << 15) - 73, 1 << 15, 1 << 20])
def test_round_trip_of_sizes_around_the_copy_limit(size: int) -> None:
    plaintext = os.urandom(size)
    assert SEALER.open(SEALER.seal(plaintext, b"r"), b"r") == plaintext


def test_every_flipped_bit_is_refused(audit_events: list[Event]) -> None:
    sealed = SEALER.seal(b"asthma", b"17")
    assert SEALER.open(sealed, b"17") == b"asthma"
    for position in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[position // 8] ^= 1 << position % 8
        with pytest.raises(CryptoError):
            SEALER.open(bytes(changed), b"17")
    fails = [event for event in audit_events if event.name == "crypt_decrypt_fail"]
    assert len(fails) == len(sealed) * 8
    causes = [event.details["cause"] for event in fails]
    assert causes == ["not_a_record"] * 8 + ["unknown_key"] * 256 + ["not_authentic"] * (
        8 * (len(sealed) - 33)
    )


@given(st.data())
def test_any_other_bytes_are_refused(data: st.DataObject) -> None:
    sealed = SEALER.seal(b"asthma", b"17")
    other = data.draw(
        st.one_of(
            st.binary(max_size=200),
            st.integers(0, len(sealed) - 1).map(lambda cut: sealed[:cut]),
            st.binary(min_size=1, max_size=20).map(lambda more: sealed + more),
            st.binary(max_size=100).map(lambda rest: sealed[:33] + rest),
        )
    )
    if other != sealed:
        with pytest.raises(CryptoError):
            SEALER.open(other, b"17")


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("patients", "name"),
        ("staff", "diagnosis"),
        ("patientsd", "iagnosis"),
        ("", "patientsdiagnosis"),
        ("Patients", "diagnosis"),
    ],
)
def test_another_column_is_refused(table: str, column: str, audit_events: list[Event]) -> None:
    sealed = SEALER.seal(b"asthma")
    with pytest.raises(CryptoError, match="another column"):
        KEYRING.sealer(table, column).open(sealed)
    assert audit_events[-1].details == {"table": table, "column": column, "cause": "unknown_key"}


def test_another_row_is_refused() -> None:
    alice, mallory = SEALER.seal(b"asthma", b"alice"), SEALER.seal(b"none", b"mallory")
    assert SEALER.open(alice, b"alice") == b"asthma"
    for sealed, row in ((alice, b"mallory"), (mallory, b"alice"), (alice, b"")):
        with pytest.raises(CryptoError, match="another row"):
            SEALER.open(sealed, row)


def two_keys_one_ciphertext(first: bytes, second: bytes, nonce: bytes) -> bytes:
    """A ciphertext and tag that AES-GCM opens under both keys: it does not commit to its key.

    The tag is linear in a block of ciphertext, so one block is solved for (Grubbs, Lu, Ristenpart:
    "Message Franking via Committing Authenticated Encryption", CRYPTO 2017, section 3).
    """

    def block(key: bytes, counter: int) -> int:
        zeros = AESGCM(key).encrypt(nonce, bytes(16 * counter), b"")
        return int.from_bytes(zeros[16 * (counter - 1) : 16 * counter], "big")

    def multiply(a: int, b: int) -> int:
        product = 0
        for bit in range(127, -1, -1):
            if a >> bit & 1:
                product ^= b
            b = b >> 1 ^ (0xE1 << 120 if b & 1 else 0)
        return product

    def power(a: int, n: int) -> int:
        result = 1 << 127
        while n:
            if n & 1:
                result = multiply(result, a)
            a, n = multiply(a, a), n >> 1
        return result

    def hash_key(key: bytes) -> int:
        ecb = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305
        return int.from_bytes(ecb.update(bytes(16)), "big")

    def mask(key: bytes) -> int:  # the tag of nothing is the encrypted first counter block
        return int.from_bytes(AESGCM(key).encrypt(nonce, b"", b""), "big")

    h1, h2 = hash_key(first), hash_key(second)
    lengths = 128
    wanted = multiply(lengths, h1) ^ mask(first) ^ multiply(lengths, h2) ^ mask(second)
    squares = multiply(h1, h1) ^ multiply(h2, h2)
    ciphertext = multiply(wanted, power(squares, (1 << 128) - 2))
    tag = multiply(ciphertext, multiply(h1, h1)) ^ multiply(lengths, h1) ^ mask(first)
    return ciphertext.to_bytes(16, "big") + tag.to_bytes(16, "big")


def test_a_record_opens_under_one_key_only() -> None:
    """The exploit works on bare AES-GCM, and the commitment stops it."""
    keyring = Keyring.ephemeral()
    sealer = keyring.sealer("t", "c")
    headers, keys = [], []
    for _ in range(2):
        sealed = sealer.seal(b"x")
        headers.append(sealed[:33])
        keys.append(sealing.column_key(keyring.keys.primary("seal").reveal(), "t", "c")[0])
        keyring.rotate()
    prefix, nonce = bytes(12), bytes(12)
    subkeys = [subkey_cipher(key, prefix) for key in keys]
    raw = [xaes_subkey(key, prefix) for key in keys]
    ambiguous = two_keys_one_ciphertext(raw[0], raw[1], nonce)
    opened = [cipher.decrypt(nonce, ambiguous, b"") for cipher in subkeys]
    assert opened[0] != opened[1]  # the same bytes, two meanings

    # A record names its key: each header allows one meaning, and no header allows the other.
    assert sealer.open(headers[0] + prefix + nonce + ambiguous) == opened[0]
    assert sealer.open(headers[1] + prefix + nonce + ambiguous) == opened[1]
    assert headers[0] != headers[1]
    stranger = Keyring.ephemeral().sealer("t", "c")
    with pytest.raises(CryptoError):
        stranger.open(headers[0] + prefix + nonce + ambiguous)


def xaes_subkey(key: bytes, prefix: bytes) -> bytes:
    subkey = b""
    for counter in (b"\0\1", b"\0\2"):
        block = cmac.CMAC(algorithms.AES(key))
        block.update(counter + b"X\0" + prefix)
        subkey += block.finalize()
    return subkey


def test_nonces_never_repeat_and_epochs_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "EPOCH_RECORDS", 100)
    sealer = Keyring.ephemeral().sealer("t", "c")
    with ThreadPoolExecutor(8) as pool:
        records = list(pool.map(lambda _: sealer.seal(b""), range(5000)))
    assert len({record[33:57] for record in records}) == 5000
    by_epoch: dict[bytes, int] = {}
    for record in records:
        by_epoch[record[33:45]] = by_epoch.get(record[33:45], 0) + 1
        assert sealer.open(record) == b""
    assert max(by_epoch.values()) <= 100
    assert len(by_epoch) >= 50


def in_a_fork(work: Callable[[], bytes]) -> bytes:
    read, write = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # 3.12: forking with threads about
        child = os.fork()
    if child == 0:
        try:
            os.write(write, work())
        finally:
            os._exit(0)
    os.close(write)
    with open(read, "rb") as pipe:
        result = pipe.read()
    os.waitpid(child, 0)
    return result


def test_a_fork_has_epochs_of_its_own_and_no_held_lock() -> None:
    keyring = Keyring.ephemeral()
    sealer = keyring.sealer("t", "c")
    before = sealer.seal(b"parent")
    with sealer._lock:  # as another thread might hold it at the moment of the fork
        child = in_a_fork(lambda: sealer.seal(sealer.open(before)))
    after = sealer.seal(b"parent")
    assert before[33:45] == after[33:45] != child[33:45]
    assert sealer.open(child) == b"parent"


def test_destruction_during_a_derivation_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keyring = Keyring.ephemeral()
    sealer = keyring.sealer("t", "c")
    first = keyring.keys.primary("seal").id
    sealed = sealer.seal(b"x")
    keyring.rotate()
    started, go_on = threading.Event(), threading.Event()
    derive = sealing.column_key

    def slow(*args: Any) -> tuple[bytes, bytes]:
        started.set()
        go_on.wait(5)
        return derive(*args)

    monkeypatch.setattr(sealing, "column_key", slow)
    reader = threading.Thread(target=lambda: sealer.open(sealed))
    reader.start()
    assert started.wait(5)
    destroyer = threading.Thread(target=lambda: keyring.destroy(first))
    destroyer.start()
    go_on.set()
    reader.join()
    destroyer.join()
    with pytest.raises(CryptoError, match="destroyed"):
        sealer.open(sealed)


def test_too_long_a_value_says_so(
    monkeypatch: pytest.MonkeyPatch, audit_events: list[Event]
) -> None:
    class Full:
        def encrypt(self, *_: object) -> bytes:
            raise OverflowError

    monkeypatch.setattr(sealing, "subkey_cipher", lambda *_: Full())
    with pytest.raises(CryptoError, match="too long"):
        Keyring.ephemeral().sealer("t", "c").seal(b"x")
    assert audit_events[-1].name == "crypt_encrypt_fail"


def test_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "EPOCH_RECORDS", 1)
    sealer = Keyring.ephemeral().sealer("t", "c")
    for _ in range(50):
        sealer.open(sealer.seal(b""))
    assert sealer._ciphers is not None
    info = sealer._ciphers.decrypt.cache_info()  # type: ignore[attr-defined]
    assert info.maxsize == 4096
    assert info.currsize == 50


def test_wycheproof_aes_gcm(wycheproof: Any) -> None:
    """The cipher under a record's last layer; sizes that a record can have."""
    ran = 0
    for group, test in wycheproof("aes_gcm_test.json"):
        if (group["keySize"], group["ivSize"], group["tagSize"]) != (256, 96, 128):
            continue
        ran += 1
        key, iv, aad, msg, ct, tag = (
            bytes.fromhex(test[name]) for name in ("key", "iv", "aad", "msg", "ct", "tag")
        )
        if test["result"] == "valid":
            assert AESGCM(key).encrypt(iv, msg, aad) == ct + tag
            assert AESGCM(key).decrypt(iv, ct + tag, aad) == msg
        else:
            with pytest.raises(InvalidTag):
                AESGCM(key).decrypt(iv, ct + tag, aad)
    assert ran > 50


def test_wycheproof_hkdf(wycheproof: Any) -> None:
    """HKDF-Expand, by which columns and MACs get their keys, after the extract step of HKDF."""
    ran = 0
    for _, test in wycheproof("hkdf_sha256_test.json"):
        ikm, salt, info = (bytes.fromhex(test[name]) for name in ("ikm", "salt", "info"))
        extracted = hmac.digest(salt or bytes(32), ikm, "sha256")
        ran += 1
        if test["result"] == "valid":
            expanded = HKDFExpand(hashes.SHA256(), test["size"], info).derive(extracted)
            assert expanded.hex() == test["okm"]
        else:
            with pytest.raises(ValueError, match="larger"):
                HKDFExpand(hashes.SHA256(), test["size"], info)
    assert ran > 50

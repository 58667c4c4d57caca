"""docs/reference/sealed-format.md, implemented a second time from its text, and its test vectors.

The reference below shares no code with stockade.crypto: HMAC from the standard library, AES one
block at a time as C2SP's document writes XAES-256-GCM out, AES-GCM from the library.
"""

from __future__ import annotations

import hmac
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from stockade.core.errors import CryptoError
from stockade.core.secret import Secret
from stockade.crypto import Keyring, sealing
from stockade.crypto.keys import Key, KeyState

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "reference" / "sealed-format.md"
CASES = [
    ("patients", "diagnosis", b"", b""),
    ("patients", "diagnosis", b"asthma", b"17"),
    ("Patient\u00e9", "", b"\x00\xff" * 20, b"\x00"),
]


def reference_column_key(key: bytes, table: str, column: str) -> tuple[bytes, bytes]:
    info = b"stockade/sealed-record@v1\x00"
    for name in (table.encode(), column.encode()):
        info += len(name).to_bytes(4, "big") + name
    first = hmac.digest(key, info + b"\x01", "sha256")
    second = hmac.digest(key, first + info + b"\x02", "sha256")
    return first, second


def reference_xaes_subkey(key: bytes, prefix: bytes) -> bytes:
    encrypt = Cipher(algorithms.AES(key), modes.ECB()).encryptor().update  # noqa: S305

    def xor(a: bytes, b: bytes) -> bytes:
        return bytes(x ^ y for x, y in zip(a, b, strict=True))

    doubled = int.from_bytes(encrypt(bytes(16)), "big") << 1
    if doubled >> 128:
        doubled ^= (1 << 128) | 0x87
    k1 = doubled.to_bytes(16, "big")
    blocks = [bytes([0, i, 0x58, 0]) + prefix for i in (1, 2)]
    return b"".join(encrypt(xor(block, k1)) for block in blocks)


def vector(number: int) -> dict[str, str]:
    table, column, plaintext, row = CASES[number]
    key = bytes(range(number, number + 32))
    prefix, nonce = bytes(range(0x40, 0x4C)), bytes(range(0x50, 0x5C))
    column_key, commitment = reference_column_key(key, table, column)
    subkey = reference_xaes_subkey(column_key, prefix)
    record = b"\x01" + commitment + prefix + nonce
    record += AESGCM(subkey).encrypt(nonce, plaintext, row)
    return {
        "key": key.hex(),
        "table": table,
        "column": column,
        "row": row.hex(),
        "plaintext": plaintext.hex(),
        "column_key": column_key.hex(),
        "commitment": commitment.hex(),
        "nonce": (prefix + nonce).hex(),
        "subkey": subkey.hex(),
        "record": record.hex(),
    }


def generated() -> str:
    vectors = [vector(number) for number in range(len(CASES))]
    return "```json\n" + json.dumps(vectors, indent=2) + "\n```"


def keyring_of(key: bytes) -> Keyring:
    keyring = Keyring.ephemeral()
    given = Key("0" * 16, "seal", datetime.now(UTC), KeyState.ACTIVE, Secret(key))
    keyring.keys = keyring.keys.with_primary(given)
    return keyring


def test_the_document_has_these_vectors() -> None:
    assert generated() in DOCUMENT.read_text(encoding="utf-8"), (
        f"put this into {DOCUMENT.name}:\n{generated()}"
    )


@pytest.mark.parametrize("number", range(len(CASES)))
def test_vectors_open_and_seal(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = vector(number)
    key, row, plaintext, record, nonce = (
        bytes.fromhex(expected[name]) for name in ("key", "row", "plaintext", "record", "nonce")
    )
    sealer = keyring_of(key).sealer(expected["table"], expected["column"])
    assert sealer.open(record, row) == plaintext
    draws = iter([nonce[:12], nonce[12:]])
    random: Callable[[int], bytes] = lambda _: next(draws)  # noqa: E731
    monkeypatch.setattr(os, "urandom", random)
    assert sealer.seal(plaintext, row) == record


def test_invalid_records_of_the_document() -> None:
    """The ways to be wrong that the document lists, each on an otherwise good record."""
    good = vector(1)
    record, row = bytes.fromhex(good["record"]), bytes.fromhex(good["row"])
    sealer = keyring_of(bytes.fromhex(good["key"])).sealer("patients", "diagnosis")
    wrong = {
        "72 bytes": record[:72],
        "version 0": b"\x00" + record[1:],
        "version 2": b"\x02" + record[1:],
        "commitment": record[:32] + bytes([record[32] ^ 1]) + record[33:],
        "prefix": record[:33] + bytes([record[33] ^ 1]) + record[34:],
        "nonce": record[:45] + bytes([record[45] ^ 1]) + record[46:],
        "ciphertext": record[:57] + bytes([record[57] ^ 1]) + record[58:],
        "tag cut": record[:-1],
        "a byte more": record + b"\x00",
    }
    assert sealer.open(record, row) == b"asthma"
    for name, bad in wrong.items():
        with pytest.raises(CryptoError):
            pytest.fail(f"{name}: {sealer.open(bad, row)!r}")


def test_the_documents_constants_are_the_codes() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert f"{sealing.OVERHEAD} bytes" in text
    assert f"{sealing.CACHED_SUBKEYS:,}" in text
    assert sealing.EPOCH_RECORDS == 1 << 20
    assert "2^20" in text
    assert sealing.MAX_PLAINTEXT == 2**31 - 17
    assert "2^31 - 17" in text

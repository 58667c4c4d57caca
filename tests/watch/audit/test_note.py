from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from stockade.core.errors import AuditError
from stockade.watch.audit.note import COSIGNATURE, Note, Signature, VerifierKey
from tests.watch.audit import independent

# The example of Go's golang.org/x/mod/sumdb/note, where the format comes from.
PETER = VerifierKey.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
SIGNED = (
    f"{TEXT}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdn"
    "gotpRZb6KE6RyyBwJnAM=\n"
).encode()
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
OURS = VerifierKey("clinic.example/audit", KEY.public_key().public_bytes_raw())


def signed(text: str, key: VerifierKey = OURS) -> Note:
    return Note(text, (Signature(key.name, key.key_id, KEY.sign(text.encode())),))


def test_the_published_example() -> None:
    note = Note.parse(SIGNED)
    assert note.text == TEXT
    assert note.signers([PETER]) == [PETER]
    assert note.encode() == SIGNED
    assert str(PETER).startswith("PeterNeumann+c74f20a3+")


def test_every_flipped_bit_of_the_example_is_refused_or_signed_by_nobody() -> None:
    for at in range(len(SIGNED)):
        changed = SIGNED[:at] + bytes([SIGNED[at] ^ 1]) + SIGNED[at + 1 :]
        try:
            signers = Note.parse(changed).signers([PETER])
        except AuditError:
            continue
        assert signers == []


def test_ours_is_read_by_the_other_verifier() -> None:
    data = signed("a\n\nb\n").encode()
    assert independent.opened_note(data, [str(OURS)]) == "a\n\nb\n"
    assert independent.encoded_vkey(OURS.name, 1, OURS.public) == str(OURS)


def test_a_line_of_a_known_key_that_does_not_verify_spoils_the_note() -> None:
    note = signed("text\n")
    with pytest.raises(AuditError, match="not one of this text"):
        note._replace(text="other\n").signers([OURS])
    assert note._replace(text="other\n").signers([PETER]) == []  # nobody that is known


def test_a_cosignature_signs_its_time_too() -> None:
    witness = VerifierKey("witness.example/w", OURS.public, COSIGNATURE)
    message = b"cosignature/v1\ntime 1679315147\ntext\n"
    data = (1679315147).to_bytes(8, "big") + KEY.sign(message)
    note = Note("text\n", (Signature(witness.name, witness.key_id, data),))
    assert note.signers([witness]) == [witness]
    assert independent.opened_note(note.encode(), [str(witness)]) == "text\n"
    later = (1679315148).to_bytes(8, "big") + data[8:]
    with pytest.raises(AuditError):
        Note("text\n", (Signature(witness.name, witness.key_id, later),)).signers([witness])


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\n", b"\n\n", b"text\n", b"text\n\n", b"text\n\n\n", SIGNED[:-1], SIGNED + b"x",
        SIGNED.replace(b"\n\n", b"\n"), SIGNED.replace(b"PeterNeumann ", b"Peter Neumann "),
        SIGNED.replace(b"PeterNeumann ", b"Peter+Neumann "), SIGNED.replace("—".encode(), b"-"),
        SIGNED.replace(b"AM=", b"AN="),  # other bits that nobody reads
        SIGNED.replace(b"AM=", b"AM"), b"\xff" + SIGNED, b"\x00" + SIGNED, b"a\tb" + SIGNED,
        "text\n\n— name AAAA\n".encode(),
        b"text\n\n" + "— name AAAAAAA=\n".encode() * 65,
        b"x" * (1 << 20) + SIGNED,
    ],
)  # fmt: skip
def test_what_is_no_note_is_refused(data: bytes) -> None:
    with pytest.raises(AuditError):
        Note.parse(data)


def test_sixteen_signatures_are_accepted() -> None:
    line = "— name AAAAAAA=\n"
    assert len(Note.parse(f"text\n\n{line * 16}".encode()).signatures) == 16


@given(st.binary(max_size=400))
def test_any_bytes_are_a_note_or_refused(data: bytes) -> None:
    for candidate in (data, SIGNED + data, data + SIGNED, SIGNED[: len(data)]):
        try:
            note = Note.parse(candidate)
        except AuditError:
            continue
        assert Note.parse(note.encode()) == note


@given(st.text(max_size=80))
def test_any_text_is_a_verifier_key_or_refused(text: str) -> None:
    for candidate in (text, f"name+{text}", f"{text}+c74f20a3+{str(PETER).rpartition('+')[2]}"):
        try:
            key = VerifierKey.parse(candidate)
        except AuditError:
            continue
        assert str(key) == candidate


@pytest.mark.parametrize("kind", [0, 2, 5, 255])
def test_keys_of_types_that_are_not_known_are_refused(kind: int) -> None:
    encoded = base64.b64encode(bytes([kind]) + bytes(32)).decode()
    with pytest.raises(AuditError, match="type"):
        VerifierKey.parse(f"name+00000000+{encoded}")

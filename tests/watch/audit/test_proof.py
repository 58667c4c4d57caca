from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.core.errors import AuditError
from stockade.watch.audit.note import Note
from stockade.watch.audit.proof import Proof
from stockade.watch.audit.storage import Directory
from stockade.watch.audit.tree import Tree
from tests.watch.audit import independent, logs
from tests.watch.audit.test_checkpoint import EXAMPLE

NOTE = Note.parse(EXAMPLE.encode())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> logs.Made:
    return logs.make(tmp_path_factory.mktemp("proofs") / "audit", 600)


def proof_of(made: logs.Made, index: int) -> Proof:
    tree = Tree(Directory(made.log), made.size)
    note = Note.parse((made.log / "checkpoint").read_bytes())
    return Proof(index, tuple(tree.inclusion(index)), note, tree.entry(index))


@pytest.mark.parametrize("index", [0, 1, 255, 256, 511, 512, 600, 700])
def test_the_other_verifier_agrees(made: logs.Made, index: int) -> None:
    proof, keys = proof_of(made, index), [str(key) for key in made.vkeys()]
    assert proof.entry is not None
    assert independent.proved(proof.encode(), proof.entry, keys) == index
    assert Proof.parse(proof.encode()) == proof
    assert proof.holds(proof.entry)


def test_no_other_entry_index_or_path_is_proved(made: logs.Made) -> None:
    proof = proof_of(made, 300)
    assert proof.entry is not None
    assert not proof.holds(proof.entry + b" ")
    for other in (0, 299, 301, 10_000):
        assert not Proof(other, proof.path, proof.note, proof.entry).holds(proof.entry)
    for at in range(len(proof.path)):
        path = (*proof.path[:at], bytes(32), *proof.path[at + 1 :])
        changed = Proof(300, path, proof.note, proof.entry)
        assert not changed.holds(proof.entry)
        with pytest.raises(independent.Untrue):
            independent.proved(changed.encode(), proof.entry, [str(key) for key in made.vkeys()])


@given(
    st.integers(0, (1 << 63) - 1),
    st.lists(st.binary(min_size=32, max_size=32), max_size=63),
    st.none() | st.binary(max_size=90),
)
def test_it_round_trips(index: int, path: list[bytes], entry: bytes | None) -> None:
    proof = Proof(index, tuple(path), NOTE, entry)
    assert Proof.parse(proof.encode()) == proof


@given(st.binary(max_size=200), st.integers(0, 80))
def test_any_bytes_are_a_proof_or_refused(data: bytes, at: int) -> None:
    good = Proof(7, (bytes(32),) * 3, NOTE, b"entry").encode()
    for candidate in (data, good[:at] + data + good[at:], good[:at] + good[at + 1 :]):
        try:
            proof = Proof.parse(candidate)
        except AuditError:
            continue
        assert Proof.parse(proof.encode()) == proof


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"@v1", b"@v2"), (b"index 7\n", b""), (b"index 7", b"index 07"), (b"index", b"indices"),
        (b"extra ZW50cnk=", b"extra ZW50cnk"), (b"\n\n", b"\n"),
        (b"AAAA=\n", b"AAA=\n"),
    ],
)  # fmt: skip
def test_what_is_no_proof_is_refused(old: bytes, new: bytes) -> None:
    good = Proof(7, (bytes(32),) * 3, NOTE, b"entry").encode()
    assert old in good
    with pytest.raises(AuditError):
        Proof.parse(good.replace(old, new, 1))


def test_a_checkpoint_is_needed() -> None:
    with pytest.raises(AuditError):
        Proof(0, (), Note("no checkpoint\n", NOTE.signatures), b"").holds(b"")


def test_too_many_hashes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AuditError):
        Proof.parse(Proof(0, (bytes(32),) * 64, NOTE).encode())

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.watch.audit import merkle
from tests.watch.audit.independent import Entries

# The leaves and roots that implementations of RFC 6962 share (certificate-transparency's tests).
LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
MANY = Entries([b"%d" % n for n in range(300)])


@pytest.mark.parametrize("size", range(len(ROOTS)))
def test_the_known_roots(size: int) -> None:
    tree = merkle.CompactRange()
    for leaf in LEAVES[:size]:
        tree.append(merkle.leaf_hash(leaf))
    assert tree.root().hex() == ROOTS[size]
    assert Entries(LEAVES).mth(0, size).hex() == ROOTS[size]


@given(st.integers(1, 300), st.data())
def test_an_inclusion_proof_is_rfc_6962s_and_proves_its_leaf_alone(
    size: int, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, size - 1))
    path = merkle.inclusion_proof(index, size, MANY.mth)
    assert path == MANY.path(index, 0, size)
    root, leaf = MANY.mth(0, size), MANY.leaves[index]
    assert merkle.included(leaf, index, size, path, root)
    other = data.draw(st.integers(0, size + 3))
    assert merkle.included(leaf, other, size, path, root) == (other == index)
    assert not merkle.included(MANY.leaves[(index + 1) % 300], index, size, path, root)
    assert not merkle.included(leaf, index, size, [*path, root], root)
    for at in range(len(path)):
        assert not merkle.included(leaf, index, size, path[:at] + path[at + 1 :], root)
        changed = [*path[:at], bytes(32), *path[at + 1 :]]
        assert not merkle.included(leaf, index, size, changed, root)


@given(st.integers(1, 300), st.data())
def test_a_consistency_proof_is_rfc_6962s_and_proves_a_prefix_alone(
    size: int, data: st.DataObject
) -> None:
    old = data.draw(st.integers(1, size))
    path = merkle.consistency_proof(old, size, MANY.mth)
    assert path == MANY.subproof(old, 0, size, True)
    before, after = MANY.mth(0, old), MANY.mth(0, size)
    assert merkle.consistent(old, before, size, after, path)
    assert not merkle.consistent(old, bytes(32), size, after, path)
    assert not merkle.consistent(old, before, size, bytes(32), path)
    assert not merkle.consistent(old, before, size, after, [*path, after])
    for at in range(len(path)):
        assert not merkle.consistent(old, before, size, after, path[:at] + path[at + 1 :])
        changed = [*path[:at], bytes(32), *path[at + 1 :]]
        assert not merkle.consistent(old, before, size, after, changed)


def test_the_empty_tree_is_a_prefix_of_any() -> None:
    assert merkle.consistency_proof(0, 7, MANY.mth) == []
    assert merkle.consistent(0, merkle.EMPTY, 7, MANY.mth(0, 7), [])
    assert not merkle.consistent(0, bytes(32), 7, MANY.mth(0, 7), [])
    assert not merkle.consistent(8, MANY.mth(0, 8), 7, MANY.mth(0, 7), [])


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=12), st.integers(), st.integers())
def test_no_path_at_all_makes_the_verifiers_raise(path: list[bytes], a: int, b: int) -> None:
    assert not merkle.included(bytes(32), a, b, path, bytes(32))
    merkle.consistent(a, bytes(32), b, bytes(32), path)


def test_proofs_of_what_is_not_there_are_refused() -> None:
    with pytest.raises(ValueError, match="no such leaf"):
        merkle.inclusion_proof(7, 7, MANY.mth)
    with pytest.raises(ValueError, match="older"):
        merkle.consistency_proof(8, 7, MANY.mth)
    with pytest.raises(ValueError, match="2 complete subtrees"):
        merkle.CompactRange(3, [bytes(32)])


def test_complete_subtrees_are_appended_whole() -> None:
    chance = random.Random(3)
    tree = merkle.CompactRange()
    while tree.size < 256:
        fitting = [1 << n for n in range(8) if tree.size % (1 << n) == 0]
        width = chance.choice([w for w in fitting if tree.size + w <= 256])
        tree.append(MANY.mth(tree.size, tree.size + width), width)
        assert tree.root() == MANY.mth(0, tree.size)

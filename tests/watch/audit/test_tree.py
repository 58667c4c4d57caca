"""What is written as tiles is RFC 6962's tree, whatever the batches were."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stockade.core.errors import AuditError
from stockade.watch.audit import merkle, tiles
from stockade.watch.audit.edge import Edge
from stockade.watch.audit.storage import Directory
from stockade.watch.audit.tree import Tree
from tests.watch.audit.independent import Entries

BATCHES = st.lists(st.sampled_from([1, 2, 3, 100, 255, 256, 257, 512, 700]), min_size=1, max_size=6)


def written(storage: Directory, batches: list[int]) -> list[bytes]:
    """A log of these batches, each with its partial tiles; what is in it."""
    edge, entries = Edge(), list[bytes]()
    for count in batches:
        some = [b"entry %d" % number for number in range(len(entries), len(entries) + count)]
        entries += some
        for files in (edge.append(some), edge.partial()):
            for name, data in files:
                storage.write(name, data)
        edge = Edge(len(entries), *Tree(storage, len(entries)).edge())  # as another worker finds it
    return entries


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(BATCHES, st.data())
def test_roots_and_proofs_of_every_size(
    tmp_path_factory: pytest.TempPathFactory, batches: list[int], data: st.DataObject
) -> None:
    storage = Directory(tmp_path_factory.mktemp("log"))
    entries = written(storage, batches)
    truth = Entries(entries)
    size = data.draw(st.sampled_from([sum(batches[: n + 1]) for n in range(len(batches))]))
    tree, root = Tree(storage, size), truth.mth(0, size)
    assert tree.root() == root
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    assert tree.inclusion(index) == truth.path(index, 0, size)
    assert tree.consistency(old) == truth.subproof(old, 0, size, True)
    assert tree.entry(index) == entries[index]
    assert merkle.included(
        merkle.leaf_hash(entries[index]), index, size, tree.inclusion(index), root
    )


def test_nodes_of_a_tree_with_full_upper_tiles(tmp_path: Path) -> None:
    """65,536 entries fill a tile of level 1; a few more make one of level 2."""
    storage = Directory(tmp_path)
    entries = written(storage, [65_536, 300])
    truth, tree = Entries(entries), Tree(storage, len(entries))
    assert tree.root() == truth.mth(0, len(entries))
    assert storage.below("tile/1") == ["000", "001.p"]
    assert storage.below("tile/2") == ["000.p"]
    for index in (0, 255, 256, 32_768, 65_535, 65_536, 65_835):
        for _ in range(2):  # the second time from what was remembered
            assert tree.inclusion(index) == truth.path(index, 0, len(entries))
    for old in (1, 256, 65_535, 65_536, 65_537):
        assert tree.consistency(old) == truth.subproof(old, 0, len(entries), True)


def test_what_is_missing_or_misshapen_is_named(tmp_path: Path) -> None:
    storage = Directory(tmp_path)
    written(storage, [600])
    storage.write(tiles.tile_path(0, 1), b"x" * 8_191)
    with pytest.raises(AuditError, match="tile 1 of level 0 has not 256 hashes"):
        Tree(storage, 600).hashes(0, 1)
    storage.remove([tiles.tile_path(0, 1), tiles.entries_path(1)])
    with pytest.raises(AuditError, match=r"tile 1 of level 0 .256 hashes. is missing"):
        Tree(storage, 600).inclusion(300)
    with pytest.raises(AuditError, match=r"bundle of entries 1 .256 entries. is missing"):
        Tree(storage, 600).entry(300)
    for index in (-1, 600):
        with pytest.raises(AuditError, match="there is no entry"):
            Tree(storage, 600).inclusion(index)
        with pytest.raises(AuditError, match="there is no entry"):
            Tree(storage, 600).entry(index)
    with pytest.raises(AuditError, match="no tree of 601"):
        Tree(storage, 600).consistency(601)


def test_the_empty_tree(tmp_path: Path) -> None:
    assert Tree(Directory(tmp_path), 0).root() == merkle.EMPTY == Edge().root()
    assert list(Edge().partial()) == []

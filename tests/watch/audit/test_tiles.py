from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.core.errors import AuditError
from stockade.watch.audit import tiles
from tests.watch.audit import independent


def test_paths_are_those_of_the_specification() -> None:
    assert tiles.tile_path(0, 1_234_067) == "tile/0/x001/x234/067"
    assert tiles.entries_path(1_234_067, 8) == "tile/entries/x001/x234/067.p/8"
    assert tiles.tile_path(2, 0, 1) == "tile/2/000.p/1"
    assert tiles.partial_folder(tiles.tile_path(0, 7)) == "tile/0/007.p"


@given(st.integers(0, 1 << 62))
def test_an_index_is_written_as_the_other_verifier_reads_it(index: int) -> None:
    assert tiles.tile_path(3, index) == f"tile/3/{independent.index_path(index)}"


def test_the_right_edge_of_the_specifications_example() -> None:
    assert list(tiles.right_edge(70_000)) == [(0, 273, 112), (1, 1, 17), (2, 0, 1)]
    assert list(tiles.right_edge(256)) == [(1, 0, 1)]
    assert list(tiles.right_edge(0)) == []


@given(st.lists(st.binary(max_size=40), max_size=256))
def test_a_bundle_round_trips(entries: list[bytes]) -> None:
    data = tiles.pack(entries)
    assert tiles.unpack(data, len(entries)) == entries == independent.bundle(data)


def test_the_longest_entry_fits_and_no_longer_one() -> None:
    longest = b"x" * tiles.LONGEST
    assert tiles.unpack(tiles.pack([longest]), 1) == [longest]
    with pytest.raises(OverflowError):
        tiles.pack([longest + b"x"])


@given(st.binary(max_size=300), st.integers(0, 256))
def test_anything_is_a_bundle_of_so_many_entries_or_refused(data: bytes, width: int) -> None:
    try:
        entries = tiles.unpack(data, width)
    except AuditError:
        return
    assert tiles.pack(entries) == data
    assert len(entries) == width

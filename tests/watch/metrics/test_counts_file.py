from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.watch.metrics.counts_file import decode, encode
from stockade.watch.metrics.snapshot import Snapshot

ROUTE = ("/a", "200")


def test_a_flipped_bit_is_found() -> None:
    data = encode(Snapshot(0.0, 1, {}, [(ROUTE, (1, 1, (0,) * 14))], []))
    for position in range(len(data)):
        broken = bytearray(data)
        broken[position] ^= 1
        with pytest.raises(ValueError, match="counts"):
            decode(bytes(broken))


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_parser(data: bytes) -> None:
    with pytest.raises(ValueError, match="counts"):
        decode(data)


labels = st.lists(st.text(max_size=5), max_size=3).map(tuple)


@given(
    st.dictionaries(
        st.text(max_size=8), st.lists(st.tuples(labels, st.integers(0, 2**60))), max_size=3
    )
)
def test_what_is_written_is_read(numbers: dict[str, list[tuple[tuple[str, ...], float]]]) -> None:
    snapshot = Snapshot(1.5, 2, numbers, [(ROUTE, (1, 2, (3,) * 14))], [], ["x"])
    assert decode(encode(snapshot)) == snapshot

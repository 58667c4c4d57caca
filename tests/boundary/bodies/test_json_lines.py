"""Every line and every record is strict JSON, and none is left out."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.boundary.bodies.json_lines import read_lines, read_sequence
from stockade.core.errors import Rejected

documents = st.lists(
    st.recursive(
        st.none() | st.integers() | st.text(st.characters(codec="utf-8")),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(st.sampled_from("a:\\")), inner),
        max_leaves=5,
    ),
    min_size=1,
)


@given(documents, st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_lines_that_json_writes_are_read_again(found: list[object], end: str, last: bool) -> None:
    text = end.join(map(json.dumps, found)) + (end if last else "")
    assert read_lines(text.encode(), 64) == found


@given(documents, st.sampled_from([None, 1]))
def test_a_sequence_that_json_writes_is_read_again(found: list[object], indent: int | None) -> None:
    text = "".join(f"\x1e{json.dumps(each, indent=indent)}\n" for each in found)
    assert read_sequence(text.encode(), 64) == found


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"a":1}\n{"a":1,"a":2}\n', (422, "body.duplicate")),
        (b'{"a":1}\n\n{"a":2}\n', (400, "body.lines")),
        (b'{"a":1}\n \r\n{"a":2}', (400, "body.lines")),
        (b'{"a":1}\n\n', (400, "body.lines")),
        (b'{"a":\n1}\n', (400, "body.json")),
        (b"1 2\n", (400, "body.json")),
        (b"[NaN]\n", (400, "body.json")),
        (b"1\n1e400\n", (422, "body.number")),
        (b'"\xff"\n', (400, "body.encoding")),
        (b"1\n" + b"[" * 65 + b"]" * 65, (400, "body.depth")),
        (b"[" * 100_000, (400, "body.depth")),
    ],
)
def test_lines_that_are_refused(body: bytes, expected: tuple[int, str]) -> None:
    with pytest.raises(Rejected) as caught:
        read_lines(body, 64)
    assert (caught.value.code, caught.value.rule) == expected


@pytest.mark.parametrize(
    "body", [b'1\n\x1e{"a":1}\n', b'\x1e{"a":1}\n\x1e{"a":2}', b"\x1e\x1e1\n", b"{}\n"]
)
def test_records_that_a_parser_may_drop_are_refused(body: bytes) -> None:
    with pytest.raises(Rejected) as caught:
        read_sequence(body, 64)
    assert caught.value.code == 400


def test_records_that_only_together_are_json_are_refused() -> None:
    with pytest.raises(Rejected):
        read_sequence(b"\x1e[1\n\x1e2]\n", 64)


@given(st.binary() | st.text(st.sampled_from('{}[]":,1\n\r\x1e')).map(str.encode))
def test_no_bytes_crash_it(body: bytes) -> None:
    for read in (read_lines, read_sequence):
        with suppress(Rejected):
            read(body, 8)

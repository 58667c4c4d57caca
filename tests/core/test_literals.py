from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.core.literals import ByteLiterals, TextLiterals

TEXTS = st.lists(st.text("abé\ud800", min_size=1, max_size=4), max_size=8)


def every_occurrence(literals: list[str], text: str) -> list[tuple[int, int]]:
    return sorted(
        (start, start + len(literal))
        for literal in set(literals)
        for start in range(len(text))
        if text.startswith(literal, start)
    )


@given(TEXTS, st.text("abé\ud800", max_size=30))
def test_it_finds_what_a_plain_search_finds_lone_surrogates_too(
    literals: list[str], text: str
) -> None:
    assert TextLiterals(literals).spans(text) == every_occurrence(literals, text)


@given(st.lists(st.binary(min_size=1, max_size=3), max_size=8), st.binary(max_size=60))
def test_in_bytes_no_occurrence_is_missed_that_overlaps_none_of_those_found(
    literals: list[bytes], data: bytes
) -> None:
    texts = [literal.decode("latin-1") for literal in literals]
    found = ByteLiterals(literals).spans(data)
    assert found == sorted(found)
    assert all(data[start:end] in literals for start, end in found)
    for start, end in every_occurrence(texts, data.decode("latin-1")):
        assert any(start < stop and begin < end for begin, stop in found)


def test_without_the_library_the_result_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    literals, text = ["abc", "bcd", "é"], "xabcdéabc"
    found = TextLiterals(literals).spans(text), ByteLiterals([b"bc"]).spans(b"abcbc")
    monkeypatch.setitem(sys.modules, "ahocorasick_rs", None)
    assert (TextLiterals(literals).spans(text), ByteLiterals([b"bc"]).spans(b"abcbc")) == found


def test_many_long_literals_are_found_too() -> None:
    literals = [f"{number:064}" for number in range(1_000)]
    assert TextLiterals(literals).spans(f"<{literals[777]}>") == [(1, 65)]
    assert TextLiterals([]).spans("text") == ByteLiterals([]).spans(b"data") == []

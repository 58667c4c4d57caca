from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.watch.columns import Piece, columns, printable, wrapped


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("plain", 5),
        ("東京", 4),
        ("ｱ", 1),
        ("\uff21", 2),
        ("e\u0301", 1),
        ("é", 1),
        ("👩", 2),
        ("", 0),
    ],
)
def test_wide_characters_take_two_columns_and_marks_none(text: str, size: int) -> None:
    assert columns(text) == size


@given(st.text(st.characters(exclude_categories=()), max_size=60))
def test_nothing_that_acts_is_left_and_honest_text_is_untouched(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert printable(shown) == shown
    if text.isprintable() and text.isascii():
        assert shown == text


def test_a_heap_of_marks_is_shown_as_escapes_and_scripts_with_marks_are_not() -> None:
    assert printable("e" + "\u0301" * 9).count("\\u0301") == 5
    for honest in ("नमस्ते", "Tiếng Việt", "שָׁלוֹם", "naïve"):
        assert printable(honest) == honest


@given(
    st.lists(st.text("ab 東\u0301", max_size=30).map(Piece), max_size=6),
    st.integers(20, 60),
    st.integers(0, 9),
)
def test_no_line_is_wider_than_the_terminal_and_nothing_is_lost(
    pieces: list[Piece], width: int, indent: int
) -> None:
    text = wrapped(pieces, width, indent, "")
    assert all(columns(line.rstrip(" ")) <= width for line in text.split("\n"))
    whole = wrapped(pieces, None, indent, "")
    assert "\n" not in whole
    assert [*text.replace("\n", "").replace(" ", "")] == [*whole.replace(" ", "")]


def test_a_style_ends_with_each_word() -> None:
    assert wrapped([Piece("a b", "<"), Piece("c")], 3, 0, ">") == "<a> <b>\nc"

"""Dropped characters: what is left of a value is evidence where it could be an attack."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.core.dropped import dropped


@pytest.mark.parametrize(
    ("value", "left"),
    [
        ("'\0 O\0R 1", "' OR 1"),
        ("\x01;touch\x7f x", ";touch x"),
        ("x\u200b' OR 1", "x' OR 1"),
        (";to'uch x", ";touch x"),
        ("0' 'or 1", "0 or 1"),
        (".\0./x", "../x"),
        (".\n./x", "../x"),
        (". ./x", "../x"),
        (".!./x", "../x"),
        (";to\u0301uch x", ";touch x"),
        ("x\u00e9' OR 1", "x' OR 1"),
    ],
)
def test_what_is_put_together_by_dropping(value: str, left: str) -> None:
    assert left in dropped(value)


@pytest.mark.parametrize(
    "value", ["O'Neill", "Zoë", "a\0b", "line one\nline two", "a. b. c", "wait ... what", "50% off"]
)
def test_honest_values_have_no_other_reading(value: str) -> None:
    assert dropped(value) == []


@given(st.text())
def test_nothing_is_added_to_a_value(value: str) -> None:
    assert all(len(text) <= 18 * len(value) and text != value for text in dropped(value))


def test_a_long_text_is_no_name_and_no_command() -> None:
    assert dropped("'; x" * 2_000) == []

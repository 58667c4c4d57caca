"""Quotes that Python writes: a value inside them is evidence where it could be an attack."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.core.quoted import quoted


@pytest.mark.parametrize(
    ("value", "spelling"),
    [
        ('a "$(x)" b', r"a \"$(x)\" b"),
        ("'\x01$(x)\x01", r"'\u0001$(x)\u0001"),
        ("'\x01$(x)\x01", r"'\x01$(x)\x01"),
        ("\u00e9$(x \u00e9)", r"\u00e9$(x \u00e9)"),
        ('\u00e9 "$(x)"', 'é \\"$(x)\\"'),
        ("a\\$(x)", r"a\\$(x)"),
        ("'\"a' ;x", "\\'\"a\\' ;x"),
    ],
)
def test_what_stands_between_the_quotes(value: str, spelling: str) -> None:
    assert spelling in quoted(value)


@pytest.mark.parametrize(
    "value", ["O'Neill & Sons", "$(x)", "two words", "Zoë", "a\t(b)", 'a "b"', "a\\b", '"$', "'\""]
)
def test_nothing_is_added_for_what_acts_nowhere_or_stands_there_as_it_came(value: str) -> None:
    assert quoted(value) == []


@given(st.text(max_size=100))
def test_each_spelling_stands_in_what_python_writes(value: str) -> None:
    written = (json.dumps(value), json.dumps(value, ensure_ascii=False), repr(value))
    for spelling in quoted(value):
        assert any(spelling == text[1:-1] for text in written)


def test_a_long_text_is_no_command() -> None:
    assert quoted('"; x' * 2_000) == []

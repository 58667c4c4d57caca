"""Pairs of a form or query: exactly those of the standard library."""

from __future__ import annotations

from urllib.parse import parse_qsl

from hypothesis import given
from hypothesis import strategies as st

from stockade.core.urlencoded import pairs_of


@given(st.text("a=&+%27'é\xff;E9C3A \x00"))
def test_pairs_are_those_of_the_standard_library(text: str) -> None:
    assert list(pairs_of(text)) == parse_qsl(text, keep_blank_values=True)

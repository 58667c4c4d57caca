"""A `Slug` needs no escape in any address, file name or attribute."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.boundary import Slug
from tests.boundary.types.conftest import REFUSED, verdict


@given(st.text(max_size=12) | st.from_regex(r"[a-z0-9-]{1,90}", fullmatch=True))
def test_what_is_taken_needs_no_escape(value: str) -> None:
    slug = verdict(Slug, value)
    assert slug is REFUSED or slug == value == quote(value, safe="")


@pytest.mark.parametrize("value", ["a", "spring-2026", "x" * 80])
def test_slugs(value: str) -> None:
    assert verdict(Slug, value) == value


@pytest.mark.parametrize("value", ["", "-a", "a-", "a--b", "A", "a_b", "a b", "é", "a\n", "x" * 81])
def test_no_slugs(value: str) -> None:
    assert verdict(Slug, value) is REFUSED

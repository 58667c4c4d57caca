"""`Json` is read by the rules of a body: what two parsers read differently is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.boundary import Json
from tests.boundary.types.conftest import REFUSED, verdict

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=12,
)


@given(VALUES)
def test_documents_come_back(document: object) -> None:
    assert verdict(Json, json.dumps(document)) == document


@pytest.mark.parametrize(
    "value",
    ["", "{", "NaN", "[1e400]", '{"a":1,"a":2}', '"\\ud800"', "[" * 40 + "]" * 40, "01", "{'a':1}"],
)
def test_what_parsers_dispute_is_refused(value: str) -> None:
    assert verdict(Json, value) is REFUSED

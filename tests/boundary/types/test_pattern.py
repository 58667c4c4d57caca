"""A `Regex` from outside takes time that grows with the text only."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.boundary import Regex
from tests.boundary.types.conftest import REFUSED, verdict


@pytest.mark.parametrize(
    "value", ["", "(", r"(a)\1", "(?=a)", "(?<!a)b", "a{1001}", "x" * 201, "[", "\ud800"]
)
def test_what_re2_does_not_take_is_refused(value: str) -> None:
    assert verdict(Regex, value) is REFUSED


@pytest.mark.asvs("V1.3.12")
def test_what_backtracks_for_ages_in_re_ends_at_once() -> None:
    """`re` doubles its work with each letter more; ours takes a hundred thousand of them."""
    attack = r"^(\w+\s?)*$"

    def seconds(letters: int) -> float:
        began = time.process_time()
        assert re.match(attack, "a" * letters + "!") is None
        return time.process_time() - began

    assert seconds(20) > 4 * min(seconds(16) for _ in range(3))
    found = verdict(Regex, attack)
    assert found.search("a" * 100_000 + "!") is None
    assert found.search("one two three")


@given(st.text(st.sampled_from("ab.*+?[]()|\\d{1,2}^$"), max_size=20))
def test_what_is_taken_compiles_and_runs(value: str) -> None:
    found = verdict(Regex, value)
    if found is not REFUSED:
        found.search("abababab")

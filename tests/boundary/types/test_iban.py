"""An `Iban` has the length of its country and the right check digits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.boundary import Iban
from stockade.boundary.types.iban import LENGTHS
from tests.boundary.types.conftest import REFUSED, verdict

EXAMPLES = ["DE89370400440532013000", "GB82WEST12345698765432", "FR1420041010050500013M02606",
            "CH9300762011623852957", "NO9386011117947"]  # fmt: skip


@pytest.mark.parametrize("number", EXAMPLES)
def test_published_examples(number: str) -> None:
    printed = " ".join(number[at : at + 4] for at in range(0, len(number), 4))
    assert verdict(Iban, printed) == verdict(Iban, number.lower()) == number


@given(st.sampled_from(EXAMPLES), st.data())
def test_one_wrong_character_or_two_swapped_are_noticed(number: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(4, len(number) - 2))
    swapped = number[:at] + number[at + 1] + number[at] + number[at + 2 :]
    other = data.draw(st.sampled_from("0123456789").filter(lambda digit: digit != number[at]))
    for wrong in (swapped, number[:at] + other + number[at + 1 :]):
        assert wrong == number or verdict(Iban, wrong) is REFUSED


@pytest.mark.parametrize("value", ["", "DE", "DE8937040044053201300", "XX82WEST12345698765432",
                                   "DE89-3704-0044-0532-0130-00", "ÄE89370400440532013000"])  # fmt: skip
def test_no_ibans(value: str) -> None:
    assert verdict(Iban, value) is REFUSED


def test_the_registry() -> None:
    assert len(LENGTHS) == 89
    assert 15 == min(LENGTHS.values()) < max(LENGTHS.values()) <= 34

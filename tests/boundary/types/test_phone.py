"""A `Phone` exists in its country's plan, and is stored as networks dial it."""

from typing import Annotated

import pytest

from stockade.boundary import Phone, phone
from tests.boundary.types.conftest import REFUSED, verdict


@pytest.mark.parametrize(
    ("value", "expected"),
    [("+49 30 901820", "+4930901820"), ("+44 (20) 7946-0958", "+442079460958"),
     ("+1 650-253-0000", "+16502530000")],
)  # fmt: skip
def test_numbers(value: str, expected: str) -> None:
    assert verdict(Phone, value) == expected
    assert verdict(Phone, expected) == expected


@pytest.mark.parametrize(
    "value",
    ["", "110", "030 901820", "+49", "+999 1234567", "+1 650-253-0000 ext. 5", "+1800FLOWERS",
     "\uff0b4930901820", "+49 30 901820;phone-context=x", "+49 30 901820\n", "<+4930901820>"],
)  # fmt: skip
def test_no_numbers(value: str) -> None:
    assert verdict(Phone, value) is REFUSED


def test_a_country_of_ones_own() -> None:
    assert verdict(Annotated[str, phone("DE")], "030 901820") == "+4930901820"

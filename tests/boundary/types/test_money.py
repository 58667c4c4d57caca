"""`Money` is exact: no binary fractions, no more decimals than the currency has."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.boundary import Money
from tests.boundary.types.conftest import REFUSED, verdict


@given(st.integers(-(10**16), 10**16))
def test_cents_come_back(cents: int) -> None:
    amount = Decimal(cents) / 100
    money = verdict(Money, {"amount": f"{amount:.2f}", "currency": "EUR"})
    if abs(cents) >= 10**17:
        assert money is REFUSED
    elif cents or f"{amount:.2f}"[0] != "-":
        assert money.amount * 100 == cents


@pytest.mark.parametrize(
    ("amount", "currency"),
    [("12.5", "JPY"), ("1.234", "EUR"), ("1e3", "EUR"), ("NaN", "EUR"), ("Infinity", "EUR"),
     ("1,5", "EUR"), ("01", "EUR"), ("+1", "EUR"), ("\u0661", "EUR"), (" 1", "EUR"), (1.5, "EUR"),
     (1, "EUR"), ("1" * 16, "EUR"), ("1", "XXX"), ("", "EUR"), ("1_0", "EUR")],
)  # fmt: skip
def test_what_is_no_amount_is_refused(amount: object, currency: str) -> None:
    assert verdict(Money, {"amount": amount, "currency": currency}) is REFUSED


def test_a_number_that_a_float_takes_is_not_the_amount() -> None:
    assert sum([0.1] * 3) != 0.3
    tenths = [verdict(Money, {"amount": "0.1", "currency": "EUR"}).amount for _ in range(3)]
    assert sum(tenths) == Decimal("0.3")

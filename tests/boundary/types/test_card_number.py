"""A `CardNumber` is a secret from the moment it is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.boundary import CardNumber, Model
from stockade.boundary.types.card_number import last_digits
from stockade.core.secret import Secret
from tests.boundary.types.conftest import REFUSED, verdict

NUMBER = "4111111111111111"  # the schemes publish it for tests


class Payment(Model):
    card: CardNumber


@pytest.mark.parametrize("value", [NUMBER, "4111 1111 1111 1111", "4111-1111-1111-1111"])
def test_the_digits_are_kept_and_not_shown(value: str) -> None:
    payment = Payment.model_validate({"card": value})
    assert isinstance(payment.card, Secret)
    assert payment.card.reveal() == NUMBER
    assert last_digits(payment.card) == "1111"
    for shown in (
        repr(payment),
        str(payment),
        payment.model_dump_json(),
        str(payment.model_dump()),
    ):
        assert NUMBER not in shown.replace(" ", "")


@given(st.text(st.sampled_from("0123456789 -"), max_size=24))
def test_a_wrong_digit_is_noticed(value: str) -> None:
    digits = [int(each) for each in value if each.isdigit()]
    doubled = [sum(divmod(digit * 2, 10)) for digit in digits[-2::-2]]
    if (sum(digits[-1::-2]) + sum(doubled)) % 10 or not 12 <= len(digits) <= 19:
        assert verdict(CardNumber, value) is REFUSED


@pytest.mark.parametrize(
    "value", ["", "4111111111111112", "0" * 16, NUMBER + "\n", "4111  11111111"]
)
def test_no_card_numbers(value: str) -> None:
    assert verdict(CardNumber, value) is REFUSED

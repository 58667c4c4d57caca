"""An amount of money: an exact decimal with no more digits than its currency has.

Source: ISO 4217 (minor units); ASVS 5.0 V2.2.1. In JSON the amount is a string, because a number
becomes a binary fraction in most programs, and 0.1 is not one.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from stockade.boundary.model import Model
from stockade.boundary.types.currency import DECIMALS, CurrencyCode
from stockade.boundary.validator import rejects

__all__ = ["Amount", "Money", "amount"]

PATTERN = r"^-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,3})?$"
_AMOUNT = re.compile(PATTERN[:-1] + r"\Z")


@rejects("Expected an amount such as 12.50, as text.", max_length=20, pattern=PATTERN)
def amount(value: str) -> Decimal:
    """`value` as an exact number; below 10^15, so that a sum of many stays exact as well."""
    if not _AMOUNT.match(value):
        raise ValueError
    return Decimal(value)


Amount = Annotated[Decimal, amount]


class Money(Model):
    """`{"amount": "12.50", "currency": "EUR"}`; its sign is the application's concern."""

    amount: Amount
    currency: CurrencyCode

    @model_validator(mode="after")
    def _has_the_currencys_digits(self) -> Money:
        exponent = self.amount.as_tuple().exponent
        if isinstance(exponent, int) and -exponent > DECIMALS[self.currency]:
            raise PydanticCustomError(
                "stockade.money", "The amount has more decimals than its currency."
            )
        return self

"""A payment card's number: a secret as soon as it is read.

Sources: ISO/IEC 7812-1 (digits, lengths, the check digit by Luhn's formula); PCI DSS 4.0, 3.3 and
3.4 (a number is masked wherever it is shown, and in no log). `last_digits` is what may be shown.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, TypeAlias

from pydantic_core import CoreSchema, core_schema

from stockade.boundary.validator import rejects
from stockade.core.secret import Secret

__all__ = ["CardNumber", "card_number", "last_digits"]

_FORM = re.compile(r"[0-9](?:[ -]?[0-9]){11,18}\Z")
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)  # a digit times two, its own digits added


@rejects("Expected a card number whose check digit is right.", max_length=37, writeOnly=True)
def card_number(value: str) -> Secret[str]:
    """The digits of `value`, as a Secret."""
    if not _FORM.match(value):
        raise ValueError
    digits = [int(character) for character in value if character.isdigit()]
    total = sum(digits[-1::-2]) + sum(_DOUBLED[digit] for digit in digits[-2::-2])
    if total % 10 or not any(digits):
        raise ValueError
    return Secret("".join(map(str, digits)))


def last_digits(number: Secret[str]) -> str:
    """The last four digits, which may be shown and stored (PCI DSS 4.0, 3.4.1)."""
    return number.reveal()[-4:]


class _Unserialised:
    """Who writes such a model out gets a mask, in Python and in JSON."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> CoreSchema:
        mask = core_schema.plain_serializer_function_ser_schema(str)
        return core_schema.no_info_after_validator_function(
            lambda number: number, handler(source), serialization=mask
        )


CardNumber: TypeAlias = Annotated[Secret[str], card_number, _Unserialised]
"""12 to 19 digits, blanks or hyphens between them, as a `Secret` of the digits alone."""

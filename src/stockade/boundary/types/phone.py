"""A telephone number that exists in its country's numbering plan, in the form that networks dial.

Source: ITU-T E.164; the plans are those of Google's libphonenumber.
"""

from __future__ import annotations

from typing import Annotated, LiteralString, TypeAlias

from stockade.boundary.types.extras import needed
from stockade.boundary.validator import Validator, rejects

__all__ = ["Phone", "phone"]


def phone(region: LiteralString | None = None) -> Validator[str]:
    """The contract of a number; `region` (ISO 3166-1) lets numbers without `+` be that country's.

    Use it as `Annotated[str, phone("DE")]`.
    """

    @rejects("Expected a telephone number such as +49 30 901820.", max_length=40, format="phone")
    def phone(value: str) -> str:
        library = needed("phonenumbers", "Phone")
        # The library reads letters, extensions and full-width digits too; a number to store has
        # one spelling.
        if not set(value) <= _ADMITTED:
            raise ValueError
        try:
            number = library.parse(value, region)
        except library.NumberParseException:
            raise ValueError from None
        if not library.is_valid_number(number) or number.extension:
            raise ValueError
        return str(library.format_number(number, library.PhoneNumberFormat.E164))

    return phone


_ADMITTED = frozenset("+0123456789 ()-./\u00a0\u2011")

Phone: TypeAlias = Annotated[str, phone()]
"""A number with its country code, as `+` and digits."""

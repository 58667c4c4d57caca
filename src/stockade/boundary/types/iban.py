"""An International Bank Account Number: country, length and check digits are right.

Source: ISO 13616-1 and the SWIFT IBAN Registry (lengths); ISO 7064, MOD 97-10. Whether the account
exists, only its bank knows.
"""

from __future__ import annotations

import re
from typing import Annotated, Final, TypeAlias

from stockade.boundary.validator import rejects

__all__ = ["LENGTHS", "Iban", "iban"]

_REGISTRY = """
    AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18
    DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23
    IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27
    MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19
    SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30
    """
LENGTHS: Final = {entry[:2]: int(entry[2:]) for entry in _REGISTRY.split()}
"""Characters of an IBAN, by its country."""

_FORM = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}\Z")


@rejects(
    "Expected an IBAN whose length and check digits are right.",
    max_length=42,
    examples=["DE89 3704 0044 0532 0130 00"],
)
def iban(value: str) -> str:
    """`value` in capital letters, without the blanks that people print it with."""
    number = value.replace(" ", "").upper()
    if not _FORM.match(number) or len(number) != LENGTHS.get(number[:2]):
        raise ValueError
    digits = "".join(str(int(character, 36)) for character in number[4:] + number[:4])
    # 00, 01 and 99 pass the remainder's test for some accounts but are never issued.
    if int(digits) % 97 != 1 or not "02" <= number[2:4] <= "98":
        raise ValueError
    return number


Iban: TypeAlias = Annotated[str, iban]
"""An IBAN without blanks, its check digits verified."""

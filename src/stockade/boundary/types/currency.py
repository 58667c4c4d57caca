"""A currency's three-letter code, and how many decimals its amounts have.

Source: ISO 4217, the codes of currencies that are legal tender somewhere; no funds, metals, tests.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from stockade.boundary.validator import rejects

__all__ = ["DECIMALS", "CurrencyCode", "currency_code"]

_TWO = """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF
    CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD
    HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK
    MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD
    RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH
    USD UYU UZS VES WST XCD XCG YER ZAR ZMW ZWG
    """
_NONE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"

DECIMALS: Final = {
    code: decimals
    for codes, decimals in ((_TWO, 2), (_NONE, 0), (_THREE, 3))
    for code in codes.split()
}
"""Digits behind the point of an amount, by code ("minor unit")."""


@rejects(
    "Expected a currency's three capital letters, such as EUR (ISO 4217).",
    min_length=3,
    max_length=3,
    pattern="^[A-Z]{3}$",
)
def currency_code(value: str) -> str:
    """`value`."""
    if value not in DECIMALS:
        raise ValueError
    return value


CurrencyCode: TypeAlias = Annotated[str, currency_code]
"""The code of a currency in use, in capital letters."""

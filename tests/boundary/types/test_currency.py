"""Currencies are those in use, and know their decimals."""

from stockade.boundary import CurrencyCode
from stockade.boundary.types.currency import DECIMALS
from tests.boundary.types.conftest import REFUSED, verdict


def test_codes() -> None:
    assert len(DECIMALS) == 154
    assert (DECIMALS["EUR"], DECIMALS["JPY"], DECIMALS["KWD"]) == (2, 0, 3)
    assert verdict(CurrencyCode, "EUR") == "EUR"


def test_what_is_no_currency_is_refused() -> None:
    for value in ("XXX", "XAU", "DEM", "eur", "EURO", "E", ""):
        assert verdict(CurrencyCode, value) is REFUSED

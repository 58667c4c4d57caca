"""Countries are those that ISO 3166-1 assigns a code."""

from stockade.boundary import CountryCode
from stockade.boundary.types.country import CODES
from tests.boundary.types.conftest import REFUSED, verdict


def test_codes() -> None:
    assert len(CODES) == 249
    assert [verdict(CountryCode, code) for code in ("DE", "NZ")] == ["DE", "NZ"]


def test_what_is_not_assigned_is_refused() -> None:
    for value in ("UK", "EU", "XK", "ZZ", "de", "DEU", "D", "", "D\u00c9"):
        assert verdict(CountryCode, value) is REFUSED

from __future__ import annotations

from pathlib import Path

from stockade.core.events import CATALOGUE
from stockade.watch.meanings import _ADVICE, MEANINGS, advice, markdown

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "events.md"


def test_every_event_has_a_meaning_and_no_meaning_is_left_over() -> None:
    assert set(MEANINGS) == set(CATALOGUE)


def test_the_reference_page_lists_every_event_and_is_up_to_date() -> None:
    page = PAGE.read_text("utf-8")
    for name in CATALOGUE:
        assert f"| `{name}` |" in page
    assert page == markdown(), "python -m stockade.watch.meanings > docs/reference/events.md"


def test_each_advice_fits_some_event_and_the_closest_is_given() -> None:
    for start in _ADVICE:
        assert any(name.startswith(start) for name in CATALOGUE), start
    assert "origin" in advice("malicious_cors", "blocked")
    assert "bind it" in advice("malicious_sqli", "observed")
    assert advice("authn_login_fail", "allowed") == ""

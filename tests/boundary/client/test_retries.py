"""What is repeated, and when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.boundary.client import Retries
from stockade.boundary.client.retries import retry_after
from stockade.core.errors import ConfigError


@pytest.mark.parametrize(
    ("method", "headers", "may"),
    [
        ("GET", {}, True),
        ("PUT", {}, True),
        ("DELETE", {}, True),
        ("POST", {}, False),
        ("PATCH", {}, False),
        ("POST", {"idempotency-key": "1"}, True),
    ],
)
def test_what_may_be_repeated(method: str, headers: dict[str, str], may: bool) -> None:
    assert Retries().may_repeat(method, headers) is may


def test_waits_are_drawn_from_zero_to_a_doubling_bound() -> None:
    retries = Retries(tries=9, base=1.0, cap=4.0)
    for tried, bound in [(1, 1.0), (2, 2.0), (3, 4.0), (8, 4.0)]:
        drawn = [retries.wait(tried, None) for _ in range(400)]
        seconds = [wait for wait in drawn if wait is not None]
        assert len(seconds) == 400
        assert 0 <= min(seconds) < bound / 4
        assert bound * 3 / 4 < max(seconds) <= bound


def test_the_last_try() -> None:
    assert Retries(tries=2).wait(1, None) is not None
    assert Retries(tries=2).wait(2, None) is None
    assert Retries(tries=1).wait(1, 0.0) is None


def test_a_service_is_given_the_time_it_asks_for_up_to_a_cap() -> None:
    retries = Retries(retry_after_cap=10.0)
    assert retries.wait(1, 7.0) == 7.0
    assert retries.wait(1, 10.1) is None
    late = Retries(tries=10**9, base=1.0).wait(10**8, None)
    assert late is not None
    assert late <= 5.0


def test_retry_after_in_both_forms() -> None:
    assert retry_after("120") == 120
    soon = retry_after(format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True))
    assert soon is not None
    assert 50 < soon <= 60
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert retry_after("Wed, 21 Oct 2015 07:28:00 -0000") == 0


@pytest.mark.parametrize("value", [None, "", "-1", "1.5", "soon", "9" * 40, "²"])
def test_what_is_no_retry_after(value: str | None) -> None:
    assert retry_after(value) is None


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_none(value: str) -> None:
    seconds = retry_after(value)
    assert seconds is None or seconds >= 0


@pytest.mark.parametrize(
    "options", [{"tries": 0}, {"base": -1.0}, {"cap": float("nan")}, {"retry_after_cap": -1.0}]
)
def test_settings_that_make_no_sense(options: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        Retries(**options)  # type: ignore[arg-type]

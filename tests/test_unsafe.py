"""Waivers: they let a finding pass, say so each time, and end."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from stockade.core.errors import Blocked, ConfigError
from stockade.testing import captured_events
from stockade.unsafe import waive
from tests.conftest import Request, Switch

VALUE = "1 OR 1"
TODAY = datetime.now(UTC).date()


def run() -> None:
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute(f"SELECT 1 WHERE 0 = {VALUE}")
    finally:
        connection.close()


def test_a_waiver_lets_pass_and_is_an_event(request_of: Request, firewall: Switch) -> None:
    with firewall("block"), request_of(VALUE), captured_events() as events:
        with pytest.raises(Blocked):
            run()
        with waive("sql", reason="the report builder of administrators", until=TODAY):
            run()
        with pytest.raises(Blocked):
            run()
    (event,) = events.named("waiver_used")
    assert event.details["waiver"] == "the report builder of administrators"


def test_an_expired_or_foreign_waiver_does_not_hold(request_of: Request, firewall: Switch) -> None:
    with firewall("block"), request_of(VALUE), captured_events() as events:
        with (
            waive("sql", reason="was fine in its time", until=TODAY - timedelta(days=1)),
            pytest.raises(Blocked),
        ):
            run()
        with waive("path", reason="another family altogether", until=TODAY), pytest.raises(Blocked):
            run()
    assert [event.outcome for event in events.named("waiver_used")] == ["failed"]


def test_a_waiver_needs_a_reason_and_an_end() -> None:
    with pytest.raises(ConfigError, match="reason"), waive("sql", reason="todo", until=TODAY):
        pass
    with (
        pytest.raises(ConfigError, match="year"),
        waive("sql", reason="for ever and ever", until=TODAY + timedelta(days=400)),
    ):
        pass

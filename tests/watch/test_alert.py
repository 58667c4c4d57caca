from __future__ import annotations

from typing import Any

import pytest

from stockade.core.events import CATALOGUE, Event, now
from stockade.watch.alert import ALERTS, AlertLine


def event(name: str = "detection_raised", **fields: Any) -> Event:
    return Event(time=now(), name=name, severity="critical", outcome="blocked", part="t", **fields)


def test_a_detection_is_one_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    AlertLine()(
        [
            event(reason="Guessing.", rule="STKD-001", client="192.0.2.1", details={"failures": 5}),
            event("authz_fail"),
        ]
    )
    assert capsys.readouterr().err == (
        "stockade: ALERT detection_raised (blocked): Guessing. [STKD-001] from 192.0.2.1 "
        "failures=5\n"
    )


def test_alerts_are_in_the_catalogue() -> None:
    assert set(CATALOGUE) >= ALERTS


def test_one_client_neither_floods_the_screen_nor_hides_another() -> None:
    lines: list[str] = []
    moment = 0.0
    alert = AlertLine(write=lines.append, clock=lambda: moment)
    alert([event(client="192.0.2.1")] * 100 + [event(client="192.0.2.2")])
    assert len(lines) == 2
    moment = 11.0
    alert([event(client="192.0.2.1")])
    assert "(99 more since the last line)" in lines[2]


def test_memory_is_bounded() -> None:
    alert = AlertLine(write=lambda line: None)
    alert([event(client=str(number)) for number in range(3_000)])
    assert len(alert._told) <= 1_000


def test_no_field_steers_the_terminal() -> None:
    lines: list[str] = []
    AlertLine(write=lines.append)([event(client="\x1b[2J\n\u2028", details={"k": "\r\x9b"})])
    assert lines[0].isprintable()

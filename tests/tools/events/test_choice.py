from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.core.errors import ConfigError
from stockade.tools.events.choice import Choice, moment
from tests.tools.events.logs import START, event

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ONE = event(
    60,
    "malicious_sqli",
    severity="critical",
    outcome="blocked",
    part="firewall",
    client="192.0.2.7",
    resource="/patients/{id}",
    rule="sql.crosses-literal",
    request_id="r-1",
    details={"length": 12, "source": "query", "deep": {"er": True}, "kinds": ["a", "b"]},
)


def of(**asked: Any) -> Choice:
    return Choice.of(now=NOW, **asked)


@pytest.mark.parametrize(
    ("wanted", "unwanted"),
    [
        ({"name": ["malicious_*"]}, {"name": ["authn_*"]}),
        ({"name": ["authn_*", "malicious_sqli"]}, {"name": ["MALICIOUS_SQLI"]}),
        ({"outcome": ["blocked"]}, {"outcome": ["allowed", "observed"]}),
        ({"part": ["fire*"]}, {"part": ["access"]}),
        ({"client": ["192.0.2.*"]}, {"client": ["192.0.3.*"]}),
        ({"route": ["/patients/*"]}, {"route": ["/notes/*"]}),
        ({"rule": ["sql.*"]}, {"rule": ["path.*"]}),
        ({"request": ["r-1"]}, {"request": ["r-*"]}),
        ({"severity": "warn"}, {"severity": "critical", "name": ["x"]}),
        ({"since": "2026-01-01T00:01:00Z"}, {"since": "2026-01-01T00:01:00.000001+00:00"}),
        ({"until": "2026-01-01T01:01:00+01:00"}, {"until": "2026-01-01"}),
        ({"where": ["details.length=12"]}, {"where": ["details.length=13"]}),
        ({"where": ["details.deep.er=true", "part=firewall"]}, {"where": ["details.deep.no=1"]}),
        ({"where": ["details.kinds=b"]}, {"where": ["details.kinds=c"]}),
        ({"where": ["principal="]}, {"where": ["details.source.x=query"]}),
    ],
)
def test_what_is_asked_for_comes_and_what_is_not_does_not(
    wanted: dict[str, Any], unwanted: dict[str, Any]
) -> None:
    assert of(**wanted).wants(ONE)
    assert not of(**unwanted).wants(ONE)


def test_all_conditions_have_to_hold() -> None:
    assert not of(name=["malicious_*"], outcome=["allowed"]).wants(ONE)
    assert of().wants(ONE)
    assert not of(severity="critical").wants(event())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("90s", NOW - timedelta(seconds=90)),
        ("15m", NOW - timedelta(minutes=15)),
        ("2h", NOW - timedelta(hours=2)),
        ("7d", NOW - timedelta(days=7)),
        ("1w", NOW - timedelta(weeks=1)),
        ("2026-01-01", START),
        ("2026-01-01T00:00:00Z", START),
        ("2026-01-01T01:00:00+01:00", START),
    ],
)
def test_times(text: str, found: datetime) -> None:
    assert moment(text, NOW) == found


@pytest.mark.parametrize(
    "asked",
    [
        {"since": "yesterday"},
        {"since": "m"},
        {"until": "-1h"},
        {"until": "9" * 40 + "d"},
        {"since": "²d"},
        {"outcome": ["blocke"]},
        {"severity": "warning"},
        {"where": ["details.length"]},
        {"where": ["detail.length=1"]},
    ],
)
def test_what_cannot_be_understood_is_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        of(**asked)


@given(st.text(max_size=12))
def test_no_text_is_anything_but_a_time_or_a_refusal(text: str) -> None:
    try:
        assert moment(text, NOW).tzinfo is not None
    except ConfigError:
        pass

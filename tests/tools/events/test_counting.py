from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.core.events import Event
from stockade.tools.events import counting
from stockade.tools.events.choice import Choice
from stockade.tools.events.counting import OTHER, Latency, Statistics
from tests.tools.events.logs import event, request


def added_up(*events: Event, **asked: Any) -> Statistics:
    statistics = Statistics(Choice.of(now=datetime.now(UTC), **asked))
    for one in events:
        statistics.add(one)
    return statistics


REFUSED = event(1, "request_refused", outcome="blocked", rule="gate.rate", resource="/a")
SAMPLED = event(
    10,
    "events_sampled",
    outcome="blocked",
    rule="gate.rate",
    resource="/a",
    details={"event": "request_refused", "written": 100, "omitted": 4_900},
)


def test_what_was_only_counted_is_added() -> None:
    statistics = added_up(*[REFUSED] * 100, SAMPLED)
    summary = statistics.summary()
    assert summary["names"] == {"request_refused": 5_000, "events_sampled": 1}
    assert summary["rules"]["gate.rate"] == 5_001
    assert (summary["events"], summary["omitted_by_sampling"]) == (5_001, 4_900)


def test_a_choice_holds_for_what_was_only_counted_too() -> None:
    assert added_up(REFUSED, SAMPLED, name=["request_*"]).events == 4_901
    assert added_up(REFUSED, SAMPLED, rule=["gate.csrf"]).events == 0
    assert added_up(REFUSED, SAMPLED, route=["/b"]).events == 0
    assert added_up(REFUSED, SAMPLED, client=["192.0.2.7"]).events == 0  # of whom is not known
    refused = event(
        10,
        "events_sampled",
        outcome="blocked",
        rule="403",
        resource="/a",
        details={"event": "http_request", "written": 100, "omitted": 7},
    )
    assert added_up(refused, name=["http_request"]).summary()["rules"] == {}


def test_rates_span_and_what_never_reached_the_log() -> None:
    lost = event(20, "events_dropped", outcome="failed", details={"telemetry": 40, "audit": 2})
    summary = added_up(*[request(second, "/a", 5) for second in range(11)], lost).summary()
    assert (summary["seconds"], summary["events_per_second"]) == (20.0, 0.6)
    assert summary["dropped"] == {"telemetry": 40, "audit": 2}
    assert summary["clients"] == {"10.0.0.1": 11}


def test_times_by_route() -> None:
    events = [request(n, "/fast", 1 + n / 100) for n in range(100)] + [request(1, "/slow", 900)]
    latency = added_up(*events).summary()["latency_ms"]
    assert list(latency) == ["/fast", "/slow"]
    assert latency["/fast"]["p50"] == pytest.approx(1.49, rel=0.0101)
    assert latency["/fast"]["p99"] == pytest.approx(1.98, rel=0.0101)
    assert (latency["/fast"]["min"], latency["/fast"]["max"]) == (1.0, 1.99)
    assert latency["/slow"]["p50"] == 900.0


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=200), st.sampled_from((50, 95, 99)))
def test_a_percentile_is_at_most_one_per_cent_off(times: list[int], percent: int) -> None:
    latency = Latency()
    for one in times:
        latency.add(one)
    exact = sorted(times)[-(-len(times) * percent // 100) - 1]
    assert latency.quantile(percent) == pytest.approx(exact, rel=0.0101, abs=1.0)


def test_tables_are_bounded_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MOST", 10)
    events = [request(n, f"/{n}", 1, client=f"10.0.0.{n % 50}") for n in range(100)]
    random.Random(1).shuffle(events)
    summary = added_up(*events).summary()
    assert sum(summary["routes"].values()) == 100
    assert summary["routes"][OTHER] == summary["counted_as_other"]["routes"] == 90
    assert len(summary["latency_ms"]) == 11
    assert sum(one["requests"] for one in summary["latency_ms"].values()) == 100


def test_odd_details_are_no_numbers() -> None:
    odd = [event(details={"duration_us": value}) for value in (True, -1, "7", None, 1.5, [1], 0.0)]
    sampled = event(1, "events_sampled", details={"event": ["x"], "omitted": True})
    statistics = added_up(*odd, sampled)
    assert (statistics.events, statistics.latencies) == (len(odd) + 1, {})

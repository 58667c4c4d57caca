"""What was written and what was omitted add up to what happened."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from stockade import Stockade
from stockade.boundary import Model
from stockade.core.bus import Bus
from stockade.core.config import DefenceSettings, Settings, StoreSettings, WatchSettings
from stockade.core.events import Event, Outcome, now
from stockade.core.sampling import PER_WINDOW, SECONDS, Sampler
from stockade.testing import FixedClock

KIND = ("input_validation_fail", "blocked", "boundary.contract", "/orders")
OTHER = ("request_refused", "blocked", "request.path", "")
FLOOD = 3_000


class Order(Model):
    number: int


@given(st.lists(st.tuples(st.sampled_from([KIND, OTHER]), st.sampled_from([0.0, 0.01, 4.0, 11.0]))))
def test_nothing_is_lost(events: list[tuple[tuple[str, str, str, str], float]]) -> None:
    clock = FixedClock()
    sampler = Sampler(clock)
    happened, written, told = Counter[str](), Counter[str](), Counter[str]()
    for kind, pause in events * 30:
        happened[kind[0]] += 1
        written[kind[0]] += sampler.keeps(kind)
        clock.advance(pause)
        for omitted in sampler.ended():
            told[omitted.name] += omitted.omitted
    for omitted in sampler.ended(all_of_them=True):
        told[omitted.name] += omitted.omitted
    assert happened == written + told
    assert sampler.ended(all_of_them=True) == []


def test_a_window_keeps_the_first_and_the_next_begins_anew() -> None:
    clock = FixedClock()
    sampler = Sampler(clock)
    assert [sampler.keeps(KIND) for _ in range(PER_WINDOW + 5)].count(True) == PER_WINDOW
    assert sampler.due() == pytest.approx(SECONDS)
    assert sampler.ended() == []
    clock.advance(SECONDS)
    assert [each.omitted for each in sampler.ended()] == [5]
    assert sampler.due() is None
    assert sampler.keeps(KIND)


def test_all_are_written_where_that_is_asked_for() -> None:
    sampler = Sampler(FixedClock(), most=0)
    assert all(sampler.keeps(KIND) for _ in range(1_000))
    assert sampler.due() is None


def test_kinds_beyond_all_measure_share_one() -> None:
    sampler = Sampler(FixedClock())
    kept = [sampler.keeps(("request_refused", "blocked", "r", str(n))) for n in range(6_000)]
    assert kept.count(True) == 4_096 + PER_WINDOW
    assert sum(each.omitted for each in sampler.ended(all_of_them=True)) == 6_000 - kept.count(True)


def test_threads_count_together() -> None:
    bus, seen = Bus(), list[Event]()
    bus.subscribe(seen.extend)

    def flood() -> None:
        for _ in range(1_000):
            bus.publish(
                Event(
                    time=now(),
                    name="input_validation_fail",
                    severity="warn",
                    outcome=Outcome.BLOCKED,
                    part="boundary",
                    rule="r",
                )
            )

    threads = [threading.Thread(target=flood) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    bus.flush(last=True)
    omitted = [event.details["omitted"] for event in seen if event.name == "events_sampled"]
    written = sum(event.name == "input_validation_fail" for event in seen)
    assert (written, written + sum(omitted)) == (PER_WINDOW, 4_000)
    assert bus.counts["input_validation_fail", "blocked", "r"] == 4_000


def test_a_flood_of_refusals_fills_no_disk(tmp_path: Path) -> None:
    settings = Settings(
        defence=DefenceSettings(mode="block"),
        store=StoreSettings(url="memory"),
        watch=WatchSettings(log=str(tmp_path / "log.jsonl"), audit=str(tmp_path / "audit")),
    )
    app = FastAPI()

    @app.post("/orders")
    def order(order: Order) -> int:
        return order.number

    guard = Stockade.protect(app, settings=settings)
    client = TestClient(app)
    for _ in range(FLOOD):
        assert client.post("/orders", json={"number": "seven"}).status_code == 422
    assert client.post("/orders", json={"number": 7}).json() == 7
    guard.close()

    size = sum(file.stat().st_size for file in tmp_path.glob("*.jsonl"))
    assert size < 400_000  # a line each would be three megabytes
    events = list(map(msgspec.json.decode, (tmp_path / "log.jsonl").read_bytes().splitlines()))
    for name in ("input_validation_fail", "http_request"):
        written = [event for event in events if event["name"] == name]
        refused = [event for event in written if event["outcome"] == "blocked"]
        omitted = [
            event["details"]["omitted"]
            for event in events
            if event["name"] == "events_sampled" and event["details"]["event"] == name
        ]
        assert len(refused) + sum(omitted) == FLOOD
    assert [e["outcome"] for e in events if e["name"] == "http_request"][-1] == "allowed"
    refusal = next(event for event in events if event["name"] == "input_validation_fail")
    assert refusal["details"]["fields"] == ["/body/number"]
    assert "seven" not in (tmp_path / "log.jsonl").read_text()

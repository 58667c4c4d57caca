from __future__ import annotations

import pytest

from stockade.core.bus import Bus
from stockade.core.events import Event
from stockade.core.logged import Level, Logged


def line(level: Level = "info", site: str = "shop:buy:7") -> Logged:
    return Logged(0.0, level, site, "/r", "r-1", "t", "192.0.2.1", "p", {"message": "m"})


@pytest.mark.parametrize(
    ("level", "severity"),
    [("debug", "info"), ("info", "info"), ("warning", "warn"), ("error", "warn"), ("critical", "critical")],
)  # fmt: skip
def test_a_line_is_an_event_of_its_level(level: Level, severity: str) -> None:
    event = line(level).event()
    assert (event.name, event.outcome, event.part) == ("app_log", "observed", "app")
    assert (event.severity, event.rule) == (severity, f"log.{level}")
    assert (event.request_id, event.resource, event.client) == ("r-1", "/r", "192.0.2.1")


def test_lines_that_find_no_room_are_counted_and_told() -> None:
    seen: list[Event] = []
    bus = Bus(capacity=10, interval=3_600.0)
    bus.subscribe(seen.extend)
    for _ in range(25):
        bus.log(line())
    assert bus.dropped["telemetry"] == 15
    bus.flush()
    (told,) = [event for event in seen if event.name == "events_dropped"]
    assert told.details == {"telemetry": 15}


def test_each_line_of_code_is_sampled_by_itself() -> None:
    seen: list[Event] = []
    bus = Bus(interval=3_600.0)
    bus.sample(lines=3)
    bus.subscribe(seen.extend)
    for _ in range(5):
        bus.log(line(site="a"))
        bus.log(line(site="b"))
    bus.flush(last=True)
    assert sum(event.name == "app_log" for event in seen) == 6
    told = {event.details["site"]: event.details["omitted"] for event in seen[6:]}
    assert told == {"a": 2, "b": 2}
    assert bus.counts["app_log", "observed", "log.info"] == 10


def test_after_the_applications_end_nothing_waits_for_the_thread() -> None:
    seen: list[Event] = []
    bus = Bus(interval=3_600.0)
    bus.subscribe(seen.extend)
    bus.log(line())
    assert seen == []
    bus.ends = True
    bus.log(line())
    assert len(seen) == 2

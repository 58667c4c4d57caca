from __future__ import annotations

import tracemalloc

import pytest

from stockade.core.bus import Bus
from stockade.core.events import Event, now
from stockade.core.health import Health
from stockade.core.tally import BOUNDS, OTHER_ROUTE, Reading, Tally
from stockade.watch.metrics.catalogue import METRICS
from stockade.watch.metrics.exposition import Exposition
from stockade.watch.metrics.snapshot import Snapshot, Sums, take

MANY = 100_000
EMPTY = (0,) * (len(BOUNDS) + 1)


def snapshot(**numbers: float) -> Snapshot:
    return Snapshot(0.0, 1, {name: [((), value)] for name, value in numbers.items()}, [], [])


def publish(bus: Bus, rule: str) -> None:
    bus.publish(
        Event(
            time=now(),
            name="sink_checked",
            severity="info",
            outcome="allowed",
            part="t",
            rule=rule,
        )
    )


def test_every_number_is_one_of_the_catalogue() -> None:
    taken = take(Bus(), Tally(), Health())
    assert set(taken.numbers) <= set(METRICS)
    for name, values in taken.numbers.items():
        assert all(len(labels) == len(METRICS[name].labels) for labels, _ in values)


def test_counters_outlive_a_process_and_gauges_do_not() -> None:
    sums = Sums()
    sums.add(snapshot(websockets=3, requests_in_flight=2, processes=1), live=True)
    sums.add(snapshot(websockets=4, requests_in_flight=5, processes=1), live=False)
    found = {name: series[()] for name, series in sums.numbers.items()}
    assert found == {"websockets": 7, "requests_in_flight": 2, "processes": 1}


def test_of_ages_the_oldest_counts_and_of_readiness_the_worst() -> None:
    sums = Sums()
    for started, ready in ((200.0, 1), (100.0, 0), (300.0, 1)):
        sums.add(snapshot(process_start_time_seconds=started, ready=ready), live=True)
    assert sums.numbers["process_start_time_seconds"][()] == 100.0
    assert sums.numbers["ready"][()] == 0


@pytest.mark.parametrize(
    "odd",
    [
        Snapshot(0.0, 1, {"websockets": [(("one too many",), 1)]}, [], []),
        Snapshot(0.0, 1, {}, [(("/a", "200"), (1, 1, (1,)))], []),
        Snapshot(0.0, 1, {}, [(("/a",), (1, 1, EMPTY))], []),
    ],
)
def test_what_does_not_fit_the_catalogue_is_refused_whole(odd: Snapshot) -> None:
    sums = Sums()
    with pytest.raises(ValueError, match="shape"):
        sums.add(odd, live=True)
    assert (sums.numbers, sums.rows) == ({}, {})


def test_a_metric_of_another_version_is_left_out() -> None:
    sums = Sums()
    sums.add(snapshot(from_the_future=1), live=True)
    assert sums.numbers == {}


def test_a_source_that_raises_is_counted_and_costs_the_others_nothing() -> None:
    def broken() -> list[Reading]:
        raise ZeroDivisionError

    def fine() -> list[Reading]:
        return [("keys", ("seal", "active"), 2)]

    taken = take(Bus(), Tally(), Health(), [broken, fine])
    assert taken.numbers["readings_failed"] == [((), 1)]
    assert taken.numbers["keys"] == [(("seal", "active"), 2)]


def test_requests_that_have_begun_and_not_ended_are_in_flight() -> None:
    tally = Tally()
    tally.started = lambda: 10
    for _ in range(6):
        tally.row(200, "/a").observe(1)
    tally.websockets = 1
    taken = take(Bus(), tally, Health())
    assert taken.numbers["requests_in_flight"] == [((), 3)]


def test_a_hundred_thousand_inventions_make_no_series_and_no_memory() -> None:
    """Routes, statuses, rules: what a client may invent is bounded where it is counted."""
    bus, tally = Bus(), Tally()
    bus.sample(0)
    exposition = Exposition(lambda: _sums(take(bus, tally, Health())))
    for number in range(MANY - 5_000):
        tally.row(200 + number % 300, f"/{number}").observe(1)
        publish(bus, f"rule-{number}")
    size = len(exposition.text())
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for number in range(MANY - 5_000, MANY):
        tally.row(200 + number % 300, f"/{number}").observe(1)
        publish(bus, f"rule-{number}")
    bus.flush()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    text = exposition.text()
    assert after - before < 200_000
    assert abs(len(text) - size) < 20_000
    samples = [line for line in text.splitlines() if not line.startswith(b"#")]
    assert len(samples) < 20 * 1_500 + 5_000
    taken = _sums(take(bus, tally, Health()))
    assert sum(row[0] for row in taken.rows.values()) == MANY
    events = taken.numbers["events"]
    assert sum(events[labels] for labels in events if labels[0] == "sink_checked") == MANY
    assert taken.numbers["requests_route_overflow"][()] > MANY - 2_000


def test_many_processes_of_many_names_are_bounded_too() -> None:
    sums = Sums()
    for process in range(12):
        numbers = [(("n", "o", f"{process}-{rule}"), 1) for rule in range(1_000)]
        rows = [((f"/{process}-{route}", "200"), (1, 1, (1, *EMPTY[1:]))) for route in range(1_000)]
        sums.add(Snapshot(0.0, 1, {"events": list(numbers)}, list(rows), []), live=True)
    assert len(sums.numbers["events"]) == 10_001
    assert sum(sums.numbers["events"].values()) == 12_000
    assert len(sums.rows) == 10_001
    assert sums.rows[OTHER_ROUTE, "200"][0] == 2_000


def _sums(taken: Snapshot) -> Sums:
    sums = Sums()
    sums.add(taken, live=True)
    return sums

from __future__ import annotations

from stockade.core.tally import BOUNDS, OTHER_ROUTE, Row, Tally


def test_a_row_counts_sums_and_puts_each_request_into_one_bucket() -> None:
    row = Row()
    for nanoseconds in (0, BOUNDS[0], BOUNDS[0] + 1, BOUNDS[-1] + 1):
        row.observe(nanoseconds)
    assert row.n == 4
    assert row.nanoseconds == 2 * BOUNDS[0] + BOUNDS[-1] + 2
    assert row.buckets[0] == 2  # bounds are inclusive, as Prometheus's `le` is
    assert row.buckets[1] == 1
    assert row.buckets[-1] == 1
    assert BOUNDS[0] == 500_000


def test_rows_are_found_again_and_routes_are_bounded() -> None:
    tally = Tally(max_routes=3)
    assert tally.row(200, "/a") is tally.row(200, "/a") is tally.rows[200]["/a"]
    for number in range(100):
        tally.row(404, f"/{number}").observe(1)
    assert set(tally.rows[404]) == {"/0", "/1", OTHER_ROUTE}
    assert tally.rows[404][OTHER_ROUTE].n == 98
    assert tally.overflowed == 98
    assert tally.row(500, "/a") is not tally.row(200, "/a")


def test_an_impossible_status_makes_no_series_of_its_own() -> None:
    tally = Tally()
    for status in (-1, 7, 12_345):
        tally.row(status, "/")
    assert set(tally.rows) == {0}


def test_clearing_keeps_the_rows_that_integrations_hold() -> None:
    tally = Tally()
    row = tally.row(200, "/")
    row.observe(5)
    tally.sinks["sql", "allowed"] += 1
    tally.clear()
    assert (row.n, row.nanoseconds, sum(row.buckets)) == (0, 0, 0)
    assert tally.row(200, "/") is row
    assert not tally.sinks

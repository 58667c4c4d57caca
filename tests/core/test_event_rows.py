from __future__ import annotations

import threading

import pytest

from stockade.core.event_rows import OTHER, EventRows


def test_threads_lose_no_count() -> None:
    rows = EventRows()

    def work() -> None:
        for number in range(20_000):
            rows.row("authz_fail", "blocked", str(number % 3)).n += 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(rows.counts().values()) == 80_000


def test_rows_are_bounded_and_what_has_none_is_still_counted() -> None:
    rows = EventRows()
    for number in range(10_000):
        rows.row("authz_fail", "blocked", str(number)).n += 1
    counts = rows.counts()
    assert len(counts) <= 4_097
    assert counts["authz_fail", "blocked", OTHER] == 10_000 - 4_096


def test_a_name_that_the_catalogue_lacks_is_refused() -> None:
    with pytest.raises(KeyError):
        EventRows().row("no_such_event", "blocked", "")

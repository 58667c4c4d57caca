from __future__ import annotations

from itertools import count

import pytest

from benchmarks.rounds import calls, differences, ratios, same, turn_about


def test_who_goes_first_alternates_and_the_warm_up_is_not_counted() -> None:
    order: list[str] = []
    clock = count()

    def bare() -> float:
        order.append("bare")
        return next(clock)

    def subject() -> float:
        order.append("subject")
        return next(clock)

    pairs = turn_about(bare, subject, 3)
    assert order == ["bare", "subject", "bare", "subject", "subject", "bare", "bare", "subject"]
    assert pairs == [(2, 3), (5, 4), (6, 7)]


def test_a_drift_of_the_machine_and_a_disturbed_round_leave_the_ratio_alone() -> None:
    slower = [1.0, 2.0, 4.0, 8.0, 16.0]
    pairs = [(cost, cost * 1.1) for cost in slower]
    pairs[2] = (4.0, 400.0)
    measured = ratios(pairs)
    assert measured.value == pytest.approx(1.1)
    assert measured.bare == 4.0


def test_differences_are_taken_pair_by_pair() -> None:
    measured = differences([(10.0, 15.0), (20.0, 25.0), (30.0, 35.0)])
    assert measured.value == 5.0
    assert measured.spread == 0.0


def test_each_argument_is_used_once_a_round() -> None:
    seen: list[str] = []
    calls(seen.append, same("text", 5))()
    assert seen == ["text"] * 5

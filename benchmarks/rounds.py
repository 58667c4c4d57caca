"""Rounds: the bare thing and ours, turn about, compared pair by pair.

Neighbours in time share the machine's mood (clock rate, caches, other processes), so the ratio or
difference of a pair is steadier than either figure; the median then drops the disturbed pairs.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from itertools import repeat
from statistics import median, quantiles
from typing import Any

from benchmarks.claim import Measured

__all__ = ["Cost", "calls", "differences", "ratios", "turn_about"]

Cost = Callable[[], float]
"""Runs one round and gives the CPU time of one operation."""


def turn_about(bare: Cost, subject: Cost, rounds: int) -> list[tuple[float, float]]:
    """Pairs of costs, (bare, subject); who goes first alternates, so that a drift cancels out."""
    bare(), subject()  # warm up: caches, the specialising interpreter, lazy imports
    pairs = []
    for number in range(rounds):
        if number % 2:
            second = subject()
            pairs.append((bare(), second))
        else:
            pairs.append((bare(), subject()))
    return pairs


def ratios(pairs: Sequence[tuple[float, float]]) -> Measured:
    """How many times the bare cost ours is."""
    return _summary([subject / bare for bare, subject in pairs], pairs)


def differences(pairs: Sequence[tuple[float, float]]) -> Measured:
    """How much more than the bare cost ours is."""
    return _summary([subject - bare for bare, subject in pairs], pairs)


def _summary(values: list[float], pairs: Sequence[tuple[float, float]]) -> Measured:
    low, _, high = quantiles(values, n=4)
    return Measured(median(values), median(bare for bare, _ in pairs), high - low)


def calls(function: Callable[..., Any], arguments: Callable[[], Sequence[Any]]) -> Cost:
    """A round that calls `function` once for each of `arguments()`, made anew and not timed.

    The cost is in microseconds of this thread, the loop and the call included.
    """

    def cost() -> float:
        values = arguments()
        gc.collect()  # the last round's garbage is not this round's cost; its own stays in
        start = time.thread_time_ns()
        for value in values:
            function(value)
        return (time.thread_time_ns() - start) / len(values) / 1_000

    return cost


def same(value: Any, times: int) -> Callable[[], Sequence[Any]]:
    """The same argument so many times."""
    values = tuple(repeat(value, times))
    return lambda: values

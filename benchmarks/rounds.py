"""Rounds: the bare thing and ours, turn about, compared pair by pair.

Neighbours in time share the machine's mood (clock rate, caches, other processes), so the ratio or
difference of a pair is steadier than either figure; the median then drops the disturbed pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median, quantiles

from benchmarks.claim import Measured
from benchmarks.cost import Cost, calls, same

__all__ = ["Cost", "calls", "differences", "ratios", "same", "turn_about"]


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

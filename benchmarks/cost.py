"""What calls cost, in CPU time of this thread. Imports nothing, for environments of peers."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any

__all__ = ["Cost", "calls", "same"]

Cost = Callable[[], float]
"""Runs one round and gives the CPU time of one operation."""


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

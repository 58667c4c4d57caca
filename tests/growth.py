"""How the cost of some work grows with its size: a ratio within one run, which no machine decides.

Four times the size costs four times the time where it is linear, sixteen times where quadratic.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

__all__ = ["growth"]

_ROUNDS = 5


def growth(work: Callable[[int], object], size: int) -> float:
    """CPU time of `work(4 * size)` over that of `work(size)`, each the best of several."""
    best = {size: float("inf"), 4 * size: float("inf")}
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        for _ in range(_ROUNDS):
            for each in best:
                start = time.process_time_ns()
                work(each)
                best[each] = min(best[each], time.process_time_ns() - start)
    finally:
        if was_enabled:
            gc.enable()
    return best[4 * size] / max(best[size], 1)

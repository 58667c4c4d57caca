"""When an entry ends: one rule for all stores."""

from __future__ import annotations

import math

__all__ = ["deadline", "live"]


def deadline(now: float, ttl: float | None) -> float | None:
    """The moment at which an entry of `ttl` seconds ends; None: never.

    A ttl of zero or less has ended already. Raises ValueError for a ttl that is not a number,
    which some databases would keep as "never".
    """
    if ttl is None:
        return None
    if math.isnan(ttl):
        raise ValueError("ttl is not a number; give seconds, or None for ever")
    return now + ttl


def live(expires: float | None, now: float) -> bool:
    """Whether an entry that ends at `expires` still counts."""
    return expires is None or expires > now

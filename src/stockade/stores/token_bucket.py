"""A token bucket: bursts up to `capacity`, then `rate` a second. A full bucket is an absent one."""

from __future__ import annotations

import math
import struct
from typing import NamedTuple

__all__ = ["Bucket", "Taken", "decode", "encode", "take"]

_RECORD = struct.Struct("<dd")
_ROUNDING = 1e-9  # who waits exactly as long as told must not fail by a rounding error


class Bucket(NamedTuple):
    """Tokens left at the moment `at` (seconds since the epoch)."""

    tokens: float
    at: float


class Taken(NamedTuple):
    """The bucket afterwards, the seconds to wait (0.0: taken), the seconds until it is full."""

    bucket: Bucket
    wait: float
    ttl: float


def take(bucket: Bucket | None, *, now: float, capacity: float, rate: float, cost: float) -> Taken:
    """Take `cost` tokens, or say how long to wait; waiting takes nothing from the bucket.

    More than `capacity`, or more than is left where `rate` is 0, waits for ever (`math.inf`).
    Raises ValueError for a capacity that is not positive, or a negative rate or cost.
    """
    if not (capacity > 0 and rate >= 0 and cost >= 0):
        raise ValueError("capacity must be positive; rate and cost must not be negative")
    tokens = capacity
    if bucket is not None:
        # A clock that was set back refills nothing and takes nothing away.
        tokens = min(capacity, bucket.tokens + max(0.0, now - bucket.at) * rate)
    if tokens + _ROUNDING >= cost:
        tokens, wait = max(0.0, tokens - cost), 0.0
    elif cost > capacity or rate == 0:
        wait = math.inf
    else:
        wait = (cost - tokens) / rate
    ttl = (capacity - tokens) / rate if rate else math.inf
    return Taken(Bucket(tokens, now), wait, ttl)


def encode(bucket: Bucket) -> bytes:
    """The bucket as 16 bytes."""
    return _RECORD.pack(*bucket)


def decode(data: bytes) -> Bucket:
    """The bucket that `encode` wrote."""
    return Bucket(*_RECORD.unpack(data))

"""A sliding-window counter in bounded memory.

A window is cut into 16 slots, so a key keeps at most 33 small integers (17 in use; the rest only
while a clock that was set back catches up). **Error bound, on the safe side**: the count holds
every event of the last `window` seconds, and none older than 17/16 of it. It never counts too few,
so a limit of five failures cannot be stretched by timing; the usual two-bucket average can.
"""

from __future__ import annotations

import math
import struct

__all__ = ["SLOTS", "Slots", "add", "decode", "encode"]

SLOTS = 16
_RECORD = struct.Struct("<qq")

Slots = dict[int, int]
"""Slot number (its start, in sixteenths of a window since the epoch) to count."""


def add(slots: Slots, *, now: float, window: float, by: int) -> tuple[Slots, int]:
    """The slots after adding `by` at `now`, and the count of the window that ends now.

    Raises ValueError for a window that is not a positive number of seconds.
    """
    if not 0 < window < math.inf:
        raise ValueError("window must be a positive number of seconds")
    current = math.floor(now * SLOTS / window)
    # A slot from the future means that the clock was set back: it counts, within reason.
    kept = {
        slot: count for slot, count in slots.items() if current - SLOTS <= slot <= current + SLOTS
    }
    kept[current] = kept.get(current, 0) + by
    return kept, sum(kept.values())


def encode(window: float, slots: Slots) -> bytes:
    """The counter as bytes; the window goes first, because slot numbers depend on it."""
    records = b"".join(_RECORD.pack(slot, count) for slot, count in slots.items())
    return struct.pack("<d", window) + records


def decode(data: bytes, window: float) -> Slots:
    """The slots; none where the counter was kept with another window (it starts over)."""
    if struct.unpack_from("<d", data)[0] != window:
        return {}
    return dict(_RECORD.iter_unpack(data[8:]))

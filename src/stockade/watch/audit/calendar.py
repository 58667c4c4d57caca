"""A date that entries may be removed by: one that the passing of time bears out.

A clock that is set wrong for a moment, by hand or by a time server, must not cost a year of
entries. So nobody is told the date at the first look, nor for a day after the clock has gone
further, or less far, than time has passed. A clock that stays wrong for longer is believed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from stockade.core.bus import emit, say
from stockade.core.events import Outcome, now
from stockade.core.ports import Clock

__all__ = ["Calendar"]

_DOUBT_SECONDS = 86_400.0
_SLACK_SECONDS = 600.0


class Calendar:
    """Not thread-safe; `clock` is monotonic, `wall` tells the date."""

    def __init__(self, clock: Clock, wall: Callable[[], datetime] = now) -> None:
        self._clock = clock
        self._wall = wall
        self._seen: tuple[float, datetime] | None = None
        self._doubted_until = float("-inf")

    def now(self) -> datetime | None:
        """The date; None while there is doubt about it."""
        at, date = self._clock(), self._wall()
        before, self._seen = self._seen, (at, date)
        if before is None:
            return None
        elapsed = at - before[0]
        jumped = (date - before[1]).total_seconds() - elapsed
        if abs(jumped) > _SLACK_SECONDS + elapsed / 100:
            self._doubted_until = at + _DOUBT_SECONDS
            say("the clock jumped; the audit log removes no old entries for a day")
            emit(
                "defence_failed",
                Outcome.OBSERVED,
                "watch",
                "The clock jumped; the audit log removes no old entries for a day.",
                rule="audit.clock",
                seconds=round(jumped),
            )
        return date if at >= self._doubted_until else None

"""Waivers in force: which defence stands aside for the running code, why, and until when.

Granted by `stockade.unsafe` alone; consulted only when a defence has found something, so that a
waiver costs nothing until it is used, and each use is an event.
"""

from __future__ import annotations

import contextvars
from datetime import UTC, date, datetime
from typing import NamedTuple

from stockade.core.bus import emit
from stockade.core.events import Outcome

__all__ = ["Waiver", "granted", "waived"]


class Waiver(NamedTuple):
    """A defence's family (`sql`, `path` …), the reason in words, and the last day it holds."""

    family: str
    reason: str
    until: date


granted: contextvars.ContextVar[tuple[Waiver, ...]] = contextvars.ContextVar(
    "stockade_waivers", default=()
)


def waived(family: str, rule: str) -> bool:
    """Whether a waiver covers this finding; each use, and each that came too late, is an event."""
    for waiver in granted.get():
        if waiver.family != family:
            continue
        expired = datetime.now(UTC).date() > waiver.until
        emit(
            "waiver_used",
            Outcome.FAILED if expired else Outcome.OBSERVED,
            "unsafe",
            "A waiver has expired and no longer holds."
            if expired
            else "A finding was let through by a waiver.",
            rule=rule,
            family=family,
            waiver=waiver.reason,
            until=waiver.until.isoformat(),
        )
        if not expired:
            return True
    return False

"""The alert line: what a person must hear of even where nobody reads the log."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from stockade.core.bus import say
from stockade.core.events import Event, Outcome
from stockade.core.ports import Clock
from stockade.watch.terminal import printable

__all__ = ["ALERTS", "AlertLine"]

ALERTS = frozenset(
    {
        "confine_missing",
        "defence_failed",
        "detection_raised",
        "events_dropped",
        "log_write_failed",
        "policy_failed",
        "secret_failed",
        "sys_monitor_disabled",
    }
)
_REMEMBERED = 1_000


class AlertLine:
    """A batch subscriber: one line on standard error for each detection and failing defence.

    The same alert (name, rule, client) is told once in `quiet` seconds, with how often it came
    since; so no client can flood the screen, and none can hide behind another's alerts.
    """

    def __init__(
        self,
        *,
        quiet: float = 10.0,
        write: Callable[[str], None] = say,
        clock: Clock = time.monotonic,
    ) -> None:
        self._quiet = quiet
        self._write = write
        self._clock = clock
        self._told: dict[tuple[str, str, str], tuple[float, int]] = {}

    def __call__(self, events: Sequence[Event]) -> None:
        """Write what must be told of these events."""
        for event in events:
            # What was allowed, such as an orderly end, needs nobody at once.
            if event.name in ALERTS and event.outcome != Outcome.ALLOWED:
                self._alert(event)
            elif event.rule == "audit.alert":  # for whoever keeps it, beside those of the log
                self._write(f"audit log checkpoint, keep it: {_kept(event)}")

    def _alert(self, event: Event) -> None:
        key = (event.name, event.rule, event.client)
        at = self._clock()
        last, unsaid = self._told.get(key, (float("-inf"), 0))
        if at - last < self._quiet:
            self._told[key] = (last, unsaid + 1)
            return
        self._told.pop(key, None)
        if len(self._told) >= _REMEMBERED:
            self._told.pop(next(iter(self._told)))
        self._told[key] = (at, 0)
        self._write(_line(event, unsaid))


def _kept(event: Event) -> str:
    """A checkpoint on one line; `stockade audit verify` reads it in this form too."""
    return printable(str(event.details.get("checkpoint", "")).replace("\n", "\\n"))


def _line(event: Event, unsaid: int) -> str:
    parts = [f"ALERT {event.name} ({event.outcome}):", event.reason]
    if event.rule:
        parts.append(f"[{event.rule}]")
    if event.client:
        parts.append(f"from {event.client}")
    if event.resource:
        parts.append(f"at {event.resource}")
    # All that details may hold are fingerprints, lengths and constants.
    parts += [f"{name}={value}" for name, value in event.details.items()]
    if unsaid:
        parts.append(f"({unsaid} more since the last line)")
    return printable(" ".join(parts))

"""A line that the application logged, noted where it was logged with no lock taken.

What logs may be a destructor or a signal handler, which interrupts a thread anywhere, also one that
publishes an event at that moment. So the line is only put in the queue; the bus's thread counts it,
samples it and makes the event.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from stockade.core.events import Event, Outcome, Severity

__all__ = ["NAME", "Level", "Logged"]

Level = Literal["debug", "info", "warning", "error", "critical"]

NAME = "app_log"
"""The name of such events."""
_SEVERITIES: dict[Level, Severity] = {
    "debug": Severity.INFO,
    "info": Severity.INFO,
    "warning": Severity.WARN,
    "error": Severity.WARN,  # a handled error is no emergency; the level itself stands in `rule`
    "critical": Severity.CRITICAL,
}

_RULES: dict[Level, str] = {level: f"log.{level}" for level in _SEVERITIES}


class Logged(msgspec.Struct, gc=False):
    """What one line says. `details` hold text of the application's, bounded, that nobody vouches
    for; whoever shows it escapes it.

    `time` in seconds since 1970; `site` is the line of code that logged, `module:function:line`;
    the rest as in `Event`.
    """

    time: float
    level: Level
    site: str
    resource: str
    request_id: str
    trace_id: str
    client: str
    principal: str
    details: dict[str, Any]

    @property
    def rule(self) -> str:
        """`log.` and the level."""
        return _RULES[self.level]

    def event(self) -> Event:
        """The event that tells of it."""
        return Event(
            time=datetime.fromtimestamp(self.time, UTC),
            name=NAME,
            severity=_SEVERITIES[self.level],
            outcome=Outcome.OBSERVED,
            part="app",
            request_id=self.request_id,
            trace_id=self.trace_id,
            client=self.client,
            principal=self.principal,
            resource=self.resource,
            reason="The application logged this.",
            rule=self.rule,
            details=self.details,
        )

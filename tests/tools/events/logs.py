"""Event logs for the tests of reading them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from stockade.core.events import Event, encode_line

START = datetime(2026, 1, 1, tzinfo=UTC)


def event(second: float = 0, name: str = "http_request", **fields: Any) -> Event:
    """An event `second` seconds after START."""
    usual: dict[str, Any] = {"severity": "info", "outcome": "allowed", "part": "watch"}
    return Event(time=START + timedelta(seconds=second), name=name, **usual | fields)


def request(second: float, route: str, milliseconds: float, client: str = "10.0.0.1") -> Event:
    """An access event."""
    return event(
        second,
        resource=route,
        client=client,
        request_id=f"r-{second:g}",
        details={"status": 200, "duration_us": int(milliseconds * 1_000)},
    )


def lines(*events: Event) -> bytes:
    """As the event log has them."""
    return b"".join(map(encode_line, events))

"""From OCSF back to the event: an event log in either format is read alike."""

from __future__ import annotations

from typing import Any

import msgspec

from stockade.core.events import Event, Severity

__all__ = ["from_ocsf"]

_SEVERITIES = {1: Severity.INFO, 3: Severity.WARN, 5: Severity.CRITICAL}


class _Metadata(msgspec.Struct):
    event_code: str
    original_time: str
    correlation_uid: str = ""


class _Ours(msgspec.Struct):
    outcome: str = ""
    part: str = ""
    client: str = ""
    principal: str = ""
    resource: str = ""
    rule: str = ""
    trace_id: str = ""
    details: dict[str, Any] = {}


class _Object(msgspec.Struct):
    metadata: _Metadata
    unmapped: _Ours
    severity_id: int = 0
    message: str = ""


_decode = msgspec.json.Decoder(_Object).decode


def from_ocsf(line: bytes | str) -> Event:
    """The event that `to_ocsf` made this object of.

    Raises msgspec.ValidationError for an object of another product, DecodeError for what is none.
    """
    made = _decode(line)
    ours = msgspec.to_builtins(made.unmapped)
    fields = {
        "time": made.metadata.original_time,
        "name": made.metadata.event_code,
        "severity": _SEVERITIES.get(made.severity_id, ""),
        "request_id": made.metadata.correlation_uid,
        "reason": made.message,
    }
    return msgspec.convert(ours | fields, Event)

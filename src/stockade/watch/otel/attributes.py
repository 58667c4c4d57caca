"""What a telemetry item says of an event, in the names of the semantic conventions.

Left out on purpose, though the conventions ask for them: `url.path`, `url.query` and
`user_agent.original`, which are raw values of the client's.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeAlias

from stockade.core import spans
from stockade.core.errors import ConfigError
from stockade.core.events import Event
from stockade.core.version import VERSION

try:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
except ImportError:
    raise ConfigError(
        "OpenTelemetry's SDK and exporter are not installed: pip install 'stockade[otel]'"
    ) from None

__all__ = ["SCOPE", "Ids", "Redact", "Value", "details", "ids", "request", "resource"]

Value: TypeAlias = str | bool | int | float
Redact: TypeAlias = Callable[[str], str]
Ids: TypeAlias = tuple[int, int]
"""Trace id and span id."""

SCOPE = InstrumentationScope("stockade", VERSION)
_MAX_CHARS = 4_096


def resource(service: str, instance: str) -> Resource:
    """Who sends: OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES, and what the settings add."""
    own = {"service.instance.id": instance}
    if service:
        own["service.name"] = service
    return Resource.create(own)


def ids(event: Event) -> Ids:
    """Those of the request that the event belongs to; (0, 0) outside any request and span."""
    own = event.details.get("span_id", "")
    if not event.request_id and not own:
        return 0, 0
    trace = event.trace_id or spans.trace_of(event.request_id)
    span = own or spans.span_of(event.request_id)
    return int(trace, 16), int(span, 16)


def request(event: Event, redact: Redact) -> dict[str, Value]:
    """Which request, by whom, decided how."""
    found = {
        "stockade.outcome": str(event.outcome),
        "stockade.part": event.part,
        "stockade.request_id": event.request_id,
        "stockade.rule": event.rule,
        "client.address": event.client,
        "enduser.id": event.principal,
        "http.route": event.resource,
    }
    return {name: redact(text)[:_MAX_CHARS] for name, text in found.items() if text}


def details(event: Event, redact: Redact) -> dict[str, Value]:
    """The event's details; what is no plain value, as JSON."""
    found: dict[str, Value] = {}
    for name, value in event.details.items():
        if isinstance(value, bool | int | float):
            found[f"stockade.details.{name}"] = value
        else:
            text = value if isinstance(value, str) else json.dumps(value, default=_type_of)
            found[f"stockade.details.{name}"] = redact(text)[:_MAX_CHARS]
    return found


def _type_of(value: object) -> str:
    return f"<{type(value).__name__}>"

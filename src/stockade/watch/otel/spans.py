"""Access events as server spans, and which of them are sent."""

from __future__ import annotations

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from stockade.core.events import Event, Outcome
from stockade.watch.otel.attributes import SCOPE, Redact, Value, ids, request

__all__ = ["Ratio", "server_span"]

_SAMPLED = TraceFlags(TraceFlags.SAMPLED)


class Ratio:
    """A share of the traces, the same ones in every service (OpenTelemetry's TraceIdRatioBased)."""

    def __init__(self, ratio: float) -> None:
        """`ratio` from 0.0, none, to 1.0, all."""
        self._bound = round(min(max(ratio, 0.0), 1.0) * (1 << 64))

    def __call__(self, event: Event, trace: int) -> bool:
        """Whether the span of this event's request is sent: refused and failed ones always are."""
        return event.outcome != Outcome.ALLOWED or trace & ((1 << 64) - 1) < self._bound


def server_span(event: Event, of: Resource, redact: Redact) -> ReadableSpan:
    """The span of the request that an access event tells of."""
    trace, span = ids(event)
    known = event.details
    method, status = str(known["method"]), int(known["status"])
    ended = int(event.time.timestamp() * 1e6) * 1_000
    attributes: dict[str, Value] = {
        **request(event, redact),
        "http.request.method": "_OTHER" if method == "other" else method,
        "http.response.status_code": status,
        "http.response.body.size": int(known["bytes"]),
    }
    failed = status >= 500 or not status
    if failed:
        attributes["error.type"] = str(status)
    name = "HTTP" if method == "other" else method
    parent = str(known.get("parent_id", ""))
    return ReadableSpan(
        name=f"{name} {redact(event.resource)}" if event.resource else name,
        context=SpanContext(trace, span, is_remote=False, trace_flags=_SAMPLED),
        parent=SpanContext(trace, int(parent, 16), is_remote=True) if parent else None,
        resource=of,
        attributes=attributes,
        kind=SpanKind.SERVER,
        status=Status(StatusCode.ERROR if failed else StatusCode.UNSET),
        start_time=ended - int(known["duration_us"]) * 1_000,
        end_time=ended,
        instrumentation_scope=SCOPE,
    )

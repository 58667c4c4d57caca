"""Events as log records (OpenTelemetry's logs data model)."""

from __future__ import annotations

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import TraceFlags

from stockade.core.events import Event, Severity
from stockade.watch.otel.attributes import SCOPE, Redact, details, ids, request

__all__ = ["SEVERITIES", "log_record"]

SEVERITIES = {
    Severity.INFO: SeverityNumber.INFO,
    Severity.WARN: SeverityNumber.WARN,
    Severity.CRITICAL: SeverityNumber.ERROR2,  # what the data model makes of syslog's Critical
}


def log_record(event: Event, of: Resource, redact: Redact, *, sampled: bool) -> ReadableLogRecord:
    """The record of one event; `sampled` says whether its request's span is sent too."""
    trace, span = ids(event)
    moment = int(event.time.timestamp() * 1e6) * 1_000
    record = LogRecord(
        timestamp=moment,
        observed_timestamp=moment,
        severity_text=str(event.severity),
        severity_number=SEVERITIES.get(Severity(event.severity), SeverityNumber.UNSPECIFIED),
        body=redact(event.reason),
        event_name=f"stockade.{event.name}",
        attributes={**request(event, redact), **details(event, redact)},
    )
    # Not by a context: that would be made, attached and read again for each record.
    record.trace_id, record.span_id = trace, span
    record.trace_flags = TraceFlags(TraceFlags.SAMPLED if sampled and trace else 0)
    return ReadableLogRecord(record, of, SCOPE)

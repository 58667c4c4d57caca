"""OpenTelemetry: events as log records, requests as server spans, the counts as metrics.

Off unless it is configured (`[otel]`, or `watch.otel` with the standard OTEL_EXPORTER_OTLP_…
variables; extra `stockade[otel]`). Nothing of it runs on a request's path: the bus hands events to
bounded queues, and each kind has a thread that sends them over OTLP/HTTP. A collector that is slow
or dead costs memory up to the queues' bounds, then items, each counted, and is told by the health
of `otel`. A batch that could not be sent is sent again, so a collector may get it twice.

An access event leaves as a span, any other as a log record. They join on the trace id: that of the
caller, of the application's own span, or one made of the request's id.
"""

from __future__ import annotations

from stockade.watch.otel.exporter import OpenTelemetry

__all__ = ["OpenTelemetry"]

"""Every metric there is: name, kind, labels, meaning, and how processes are summed up.

`python -m stockade.watch.metrics.catalogue > docs/reference/metrics.md`
"""

from __future__ import annotations

import sys
from typing import Literal, NamedTuple

from stockade.core.tally import BOUNDS

__all__ = ["METRICS", "Metric", "markdown"]


class Metric(NamedTuple):
    """`name` is without `stockade_` and `_total`; `merge` says what several live processes make."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    meaning: str
    merge: Literal["sum", "min", "max"] = "sum"

    @property
    def exposed(self) -> str:
        """The name in Prometheus; a histogram adds `_bucket`, `_sum` and `_count`."""
        return f"stockade_{self.name}{'_total' if self.kind == 'counter' else ''}"


def _counter(name: str, labels: str, meaning: str) -> Metric:
    return Metric(name, "counter", tuple(labels.split()), meaning)


def _gauge(
    name: str, labels: str, meaning: str, merge: Literal["sum", "min", "max"] = "sum"
) -> Metric:
    return Metric(name, "gauge", tuple(labels.split()), meaning, merge)


_ALL = (
    # requests: rate, errors, duration
    _counter("requests", "route status", "Requests answered."),
    Metric(
        "request_duration_seconds",
        "histogram",
        ("route", "status"),
        "From the request's first byte to the end of the answer.",
    ),
    _gauge("requests_in_flight", "", "Requests and WebSockets that are being served."),
    _counter(
        "requests_route_overflow",
        "",
        "Requests counted under the route (other), for there are too many routes.",
    ),
    _counter("trace_contexts_invalid", "", "Invalid traceparent and tracestate fields, ignored."),
    _counter("websockets", "", "WebSocket connections that have ended."),
    _counter("trace_contexts_invalid", "", "traceparent and tracestate fields that were ignored."),
    # events
    _counter(
        "events",
        "name outcome rule",
        "Events published; plain requests are in stockade_requests_total.",
    ),
    _counter("detections", "rule", "Detections raised."),
    _counter(
        "events_sampled_out",
        "name",
        "Events that were counted and not written, for too many of their kind came.",
    ),
    _counter("events_dropped", "lane", "Events that did not fit into the queue."),
    _gauge("queue_events", "lane", "Events that wait to be handed out."),
    _gauge("queue_capacity_events", "lane", "Events that may wait; more are dropped."),
    _counter("subscriber_failures", "subscriber", "Crashes of a receiver of events."),
    # sinks
    _counter("sinks_checked", "family outcome", "Calls of guarded sinks."),
    _counter(
        "sink_unattributed",
        "family",
        "Calls of guarded sinks outside any request, where inputs are unknown.",
    ),
    # logs
    _counter("log_write_failures", "file", "Failed writes."),
    _counter("log_lines_lost", "file", "Lines that neither file nor memory could take."),
    _counter(
        "app_lines_dropped",
        "reason",
        "Lines of the application that are not among the events: unreadable, nested in another, "
        "logged by a receiver of events.",
    ),
    _gauge("log_lines_waiting", "file", "Lines in memory, for the file cannot be written."),
    _gauge("audit_unacknowledged", "", "Audit entries that are not synced and signed yet."),
    _gauge("audit_entries", "", "Entries of the audit log that are signed.", "max"),
    # keys and secrets
    _gauge(
        "key_created_timestamp_seconds",
        "purpose",
        "When the key that protects now was made, in seconds since 1970.",
        "min",
    ),
    _gauge("keys", "purpose state", "Keys in the keyring.", "max"),
    _gauge(
        "secret_changed_timestamp_seconds",
        "secret",
        "When the secret's present value was first read, in seconds since 1970.",
        "min",
    ),
    # the defences themselves
    _gauge("defence_state", "defence state", "Processes in which a defence is in this state."),
    _gauge("ready", "", "1: no required defence has failed, in any process.", "min"),
    # export by OpenTelemetry
    _counter("otel_exported", "signal", "Items that the collector took."),
    _counter(
        "otel_dropped",
        "signal reason",
        "Items that the collector never got: queue full, refused, not encodable, left at the end.",
    ),
    _counter("otel_spans_sampled_out", "", "Spans that otel.ratio left out."),
    _gauge("otel_queue_items", "signal", "Items that wait for the collector."),
    # the counting itself
    _gauge("processes", "", "Live processes that are summed up here."),
    _gauge(
        "process_start_time_seconds",
        "",
        "When the oldest live process began, in seconds since 1970.",
        "min",
    ),
    _gauge("build_info", "version python", "1 for each version that runs.", "max"),
    _counter("counts_rejected", "", "Files of counts that were torn or foreign, and set aside."),
    _counter("readings_failed", "", "Sources of numbers that raised when they were asked."),
    _gauge(
        "counts_age_seconds", "", "Age of the oldest live process's last published counts.", "max"
    ),
)
METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}
"""By name."""


def markdown() -> str:
    """The reference page, docs/reference/metrics.md."""
    bounds = ", ".join(f"{bound / 1e9:g}" for bound in BOUNDS)
    lines = [
        "# Metrics",
        "",
        "Made by `python -m stockade.watch.metrics.catalogue`; a test compares it with the code.",
        "",
        "Prometheus reads them at `watch.metrics`; OpenTelemetry gets the same numbers as",
        "`stockade.…`, one stream a process ([how to](../how-to/watch-it.md)). All processes of",
        "a service are summed up, whichever of them answers: counters with what processes that",
        "have ended counted, gauges of the live ones only. No client can make anything grow: past",
        "1,000 routes, 5,000 rows of route and status, 4,096 kinds of events and 10,000 series of",
        "one metric, what is new is counted under `(other)`.",
        "",
        f"The buckets of the histogram end at {bounds} seconds.",
        "",
        "| metric | kind | labels | meaning |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| `{metric.exposed}` | {metric.kind} | {', '.join(metric.labels)} | {metric.meaning} |"
        for metric in _ALL
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(markdown())

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from stockade.core import spans
from stockade.core.answered import Answered
from stockade.core.bus import Bus, emit
from stockade.core.config import OtelSettings
from stockade.core.context import RequestContext, running
from stockade.core.events import Event, Outcome, now
from stockade.core.health import Health, State
from stockade.core.secret import Redactor
from stockade.core.tally import Tally
from stockade.watch.metrics.counts import Counts
from stockade.watch.otel import OpenTelemetry
from tests.integration.collector import Collector, attributes, collecting


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as found:
        yield found


def answered(number: int, *, status: int = 200, refused: bool = False, **more: Any) -> Event:
    return Answered(
        time.time(), 5_000_000, status, 10, refused, "GET", "/a", f"r-{number}", "", "", "", **more
    ).event()


def exporter(collector: Collector, **settings: Any) -> OpenTelemetry:
    telemetry = OpenTelemetry(
        OtelSettings(endpoint=collector.address, interval=60.0, **settings),
        read=Counts(Bus(), Tally(), Health()).read,
        redact=Redactor(lambda: ("hunter2",)),
    )
    telemetry.start()
    return telemetry


def numbers(telemetry: OpenTelemetry) -> dict[tuple[str, ...], float]:
    return {(name, *labels): value for name, labels, value in telemetry.readings()}


def test_a_share_of_the_requests_is_traced_and_the_others_are_counted(
    collector: Collector,
) -> None:
    telemetry = exporter(collector, ratio=0.25)
    telemetry([answered(number) for number in range(2_000)])
    telemetry([answered(1, status=500), answered(2, refused=True, status=403)])
    telemetry.close()
    found = [attributes(span.attributes) for span in collector.spans()]
    assert sum(one["stockade.outcome"] != "allowed" for one in found) == 2
    assert 350 < len(found) < 650
    counted = numbers(telemetry)
    assert counted["otel_exported", "traces"] == len(found)
    assert counted["otel_spans_sampled_out",] + len(found) == 2_002


def test_none_of_the_honest_requests_is_traced_at_a_ratio_of_nothing(collector: Collector) -> None:
    telemetry = exporter(collector, ratio=0.0)
    telemetry([answered(1), answered(2, status=500)])
    telemetry.close()
    (span,) = collector.spans()
    assert span.status.code == span.status.STATUS_CODE_ERROR
    assert attributes(span.attributes)["error.type"] == "500"


def test_a_secret_does_not_leave_in_any_field(collector: Collector) -> None:
    telemetry = exporter(collector)
    telemetry(
        [
            Event(
                time=now(),
                name="sys_crash",
                severity="warn",
                outcome="failed",
                part="app",
                request_id="r-1",
                principal="hunter2",
                reason="It said hunter2.",
                rule="hunter2",
                details={"text": "hunter2", "list": ["hunter2"], "n": 1, "odd": object},
            )
        ]
    )
    telemetry.close()
    (record,) = collector.logs()
    assert b"hunter2" not in record.SerializeToString()
    found = attributes(record.attributes)
    assert found["stockade.details.n"] == 1
    assert found["stockade.details.list"] == '["[redacted]"]'
    assert record.event_name == "stockade.sys_crash"


def test_without_traces_an_access_event_is_a_log_record(collector: Collector) -> None:
    telemetry = exporter(collector, traces=False)
    telemetry([answered(1)])
    telemetry.close()
    assert [record.event_name for record in collector.logs()] == ["stockade.http_request"]
    assert collector.spans() == []


def test_an_application_with_its_own_span_gets_no_second_one(collector: Collector) -> None:
    """Its span is what the events of the request are linked to."""
    telemetry = exporter(collector)
    own = (f"{7:032x}", f"{9:016x}")
    event = answered(1, span_id=own[1])
    event.trace_id = own[0]
    telemetry([event])
    seen: list[Event] = []
    tracer = TracerProvider().get_tracer("the application's")
    from stockade.core.bus import bus

    bus.subscribe_audit(seen.append)
    try:
        with (
            running(RequestContext("r-2", "192.0.2.1")),
            tracer.start_as_current_span("its own") as span,
        ):
            emit("request_refused", Outcome.BLOCKED, "boundary", "Too large.")
        emit("request_refused", Outcome.BLOCKED, "boundary", "Too large.")
    finally:
        bus.unsubscribe(seen.append)
    inside, outside = seen
    context = span.get_span_context()
    assert inside.trace_id == trace.format_trace_id(context.trace_id)
    assert inside.details["span_id"] == trace.format_span_id(context.span_id)
    assert "span_id" not in outside.details
    telemetry(seen)
    telemetry.close()
    assert spans.active is None
    assert collector.spans() == []
    record = collector.logs()[0]
    assert record.trace_id == context.trace_id.to_bytes(16, "big")
    assert record.span_id == context.span_id.to_bytes(8, "big")


def test_its_health_is_the_worst_of_its_channels(collector: Collector) -> None:
    telemetry = exporter(collector)
    assert telemetry.verdict().state is State.OK
    collector.status = 400
    telemetry([answered(1)])
    deadline = time.monotonic() + 10
    while telemetry.verdict().state is State.OK and time.monotonic() < deadline:
        time.sleep(0.02)
    assert telemetry.verdict().state is State.DEGRADED
    telemetry.close()


def test_counters_are_cumulative_and_gauges_are_gauges(collector: Collector) -> None:
    telemetry = exporter(collector)
    telemetry.close()
    found = collector.metrics()
    dropped = found["stockade.events_dropped"]
    assert dropped.sum.is_monotonic
    assert dropped.sum.aggregation_temporality == 2
    assert found["stockade.queue_events"].WhichOneof("data") == "gauge"
    assert found["stockade.process_start_time"].unit == "s"

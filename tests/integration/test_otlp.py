"""The clinic sends logs, metrics and traces to a real receiver; they join on the trace id."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.collector import Collector, attributes, collecting
from tests.integration.prometheus import until
from tests.integration.serving import Server, free_port, serving

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
CANARY = "Tr0ub4dor-canary"


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as found:
        yield found


@pytest.fixture(scope="module")
def clinic(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("clinic")
    settings = {
        "CLINIC_DATA": str(folder / "data"),
        "STOCKADE_WATCH__METRICS": "",
        "STOCKADE_WATCH__OTEL": "true",
        "STOCKADE_OTEL__INTERVAL": "0.5",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.address,
        "OTEL_SERVICE_NAME": "clinic",
    }
    with serving(
        "examples.clinic:app", folder, guarded=False, ready="/health", **settings
    ) as server:
        yield server


def sign_in(clinic: Server, **fields: str) -> int:
    body = f'{{"name": "ann", "password": "{CANARY}"}}'
    with closing(http.client.HTTPConnection("127.0.0.1", clinic.port, timeout=20)) as one:
        headers = {"Content-Type": "application/json", **fields}
        one.request("POST", "/sign-in", body, headers)
        return one.getresponse().status


def test_a_failed_sign_in_is_a_log_a_span_and_a_metric_of_one_trace(
    clinic: Server, collector: Collector
) -> None:
    assert sign_in(clinic, traceparent=f"00-{TRACE}-{CALLER}-01") == 401
    trace = bytes.fromhex(TRACE)
    assert until(lambda: any(span.trace_id == trace for span in collector.spans()))
    span = next(span for span in collector.spans() if span.trace_id == trace)
    assert span.name == "POST /sign-in"
    assert span.kind == span.SPAN_KIND_SERVER
    assert span.parent_span_id == bytes.fromhex(CALLER)
    assert span.end_time_unix_nano > span.start_time_unix_nano
    about = attributes(span.attributes)
    assert about["http.request.method"] == "POST"
    assert about["http.route"] == "/sign-in"
    assert about["http.response.status_code"] == 401
    assert until(
        lambda: any(one.event_name == "stockade.authn_login_fail" for one in collector.logs())
    )
    record = next(one for one in collector.logs() if one.event_name == "stockade.authn_login_fail")
    assert (record.trace_id, record.span_id) == (trace, span.span_id)
    assert (record.severity_number, record.severity_text) == (13, "warn")
    assert attributes(record.attributes)["stockade.request_id"] == about["stockade.request_id"]
    assert until(lambda: _exemplar(collector) == (trace, span.span_id))
    assert {one["service.name"] for one in collector.resources()} == {"clinic"}


def _exemplar(collector: Collector) -> tuple[bytes, bytes] | None:
    durations = collector.metrics().get("stockade.request_duration")
    for path, message in list(collector.requests):
        if path == "/v1/metrics" and durations is not None:
            for metric in message.resource_metrics[0].scope_metrics[0].metrics:
                if metric.name == durations.name:
                    for point in metric.histogram.data_points:
                        if attributes(point.attributes).get("http.route") == "/sign-in":
                            for exemplar in point.exemplars:
                                return exemplar.trace_id, exemplar.span_id
    return None


def test_without_a_caller_the_request_gets_a_trace_of_its_own(
    clinic: Server, collector: Collector
) -> None:
    before = len(collector.spans())
    assert sign_in(clinic, traceparent="00-zz-zz-01") == 401
    assert until(lambda: len(collector.spans()) > before)
    span = collector.spans()[-1]
    assert span.parent_span_id == b""
    assert len(span.trace_id) == 16
    assert span.trace_id.strip(b"\0")
    assert until(
        lambda: any(
            one.trace_id == span.trace_id and one.span_id == span.span_id
            for one in collector.logs()
        )
    )


def test_the_metrics_are_what_was_sent(clinic: Server, collector: Collector) -> None:
    for _ in range(20):
        assert clinic.get("/nowhere")[0] == 404

    def count() -> int:
        requests = collector.metrics().get("stockade.requests")
        points = [] if requests is None else requests.sum.data_points
        return sum(
            point.as_int
            for point in points
            if attributes(point.attributes)["http.response.status_code"] == 404
        )

    assert until(lambda: count() == 20)

    def statuses() -> list[int]:
        return [
            attributes(one.attributes)["http.response.status_code"] for one in collector.spans()
        ]

    assert until(lambda: statuses().count(404) == 20)


def test_no_password_leaves(clinic: Server, collector: Collector) -> None:
    assert collector.requests
    for _, message in list(collector.requests):
        assert CANARY.encode() not in message.SerializeToString()


def test_a_dead_collector_holds_up_nobody_and_gets_everything_when_it_is_back(
    tmp_path: Path,
) -> None:
    port = free_port()
    settings = {
        "CLINIC_DATA": str(tmp_path / "data"),
        "STOCKADE_WATCH__METRICS": "",
        "STOCKADE_OTEL__ENDPOINT": f"http://127.0.0.1:{port}",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
    }
    with serving(
        "examples.clinic:app", tmp_path, guarded=False, ready="/health", **settings
    ) as server:
        for _ in range(30):
            assert server.get("/nowhere")[0] == 404

        def told(name: str) -> bool:
            lines = [json.loads(line) for line in server.events.read_bytes().splitlines()]
            return any(one["name"] == name and one["rule"] == "health.otel" for one in lines)

        assert until(lambda: told("defence_failed"))
        assert server.get("/nowhere")[0] == 404
        assert server.said().count("otel is ") == 1
        with collecting(port) as collector:
            assert until(lambda: told("defence_recovered"))

            def arrived() -> int:
                found = [attributes(span.attributes) for span in collector.spans()]
                return sum(one["http.response.status_code"] == 404 for one in found)

            assert until(lambda: arrived() == 31)
            names = {one.event_name for one in collector.logs()}
        assert {"stockade.sys_startup", "stockade.defence_failed"} <= names

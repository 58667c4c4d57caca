from __future__ import annotations

import asyncio
import subprocess
import sys
import urllib.request
from collections.abc import MutableMapping
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from stockade.core.bus import Bus
from stockade.core.errors import ConfigError
from stockade.core.events import Event, now
from stockade.core.tally import BOUNDS, Tally
from stockade.watch.metrics import Metrics


def samples(metrics: Metrics) -> dict[tuple[str, tuple[str, ...]], float]:
    families = text_string_to_metric_families(metrics.exposition().decode())
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }


@pytest.fixture
def bus() -> Bus:
    return Bus(capacity=3, interval=60)


@pytest.fixture
def tally() -> Tally:
    return Tally(max_routes=5)


def publish(bus: Bus, name: str, rule: str = "") -> None:
    bus.publish(
        Event(time=now(), name=name, severity="warn", outcome="blocked", part="t", rule=rule)
    )


def test_every_number_comes_from_the_bus_and_the_tally(bus: Bus, tally: Tally) -> None:
    for nanoseconds in (1, BOUNDS[0], 2_000_000_000, 9_000_000_000):
        tally.row(200, '/a"\n{id}').observe(nanoseconds)
    tally.sinks["sql", "allowed"] += 7
    tally.sinks["sql", "unattributed"] += 2
    tally.log_failures["log"] += 3
    tally.log_lost["audit"] += 4
    bus.failures["Broken"] += 1
    for _ in range(5):
        publish(bus, "detection_raised", "R1")
    for _ in range(6):
        publish(bus, "sink_checked")
    found = samples(Metrics(bus, tally))
    route = ('/a"\n{id}', "200")
    assert found["stockade_requests_total", route] == 4
    assert found["stockade_request_duration_seconds_count", route] == 4
    assert found["stockade_request_duration_seconds_sum", route] == pytest.approx(11.0005, rel=1e-6)
    assert found["stockade_request_duration_seconds_bucket", ("0.0005", *route)] == 2
    assert found["stockade_request_duration_seconds_bucket", ("2.5", *route)] == 3
    assert found["stockade_request_duration_seconds_bucket", ("+Inf", *route)] == 4
    assert found["stockade_events_total", ("detection_raised", "blocked", "R1")] == 5
    assert found["stockade_detections_total", ("R1",)] == 5
    assert found["stockade_events_dropped_total", ("telemetry",)] == 3
    assert found["stockade_events_dropped_total", ("audit",)] == 2
    assert found["stockade_subscriber_failures_total", ("Broken",)] == 1
    assert found["stockade_sinks_checked_total", ("sql", "allowed")] == 7
    assert found["stockade_sink_unattributed_total", ("sql",)] == 2
    assert found["stockade_log_write_failures_total", ("log",)] == 3
    assert found["stockade_log_lines_lost_total", ("audit",)] == 4


def test_what_never_happened_is_zero_and_not_absent(bus: Bus, tally: Tally) -> None:
    found = samples(Metrics(bus, tally))
    assert found["stockade_events_dropped_total", ("audit",)] == 0
    assert found["stockade_log_write_failures_total", ("audit",)] == 0


def test_inventing_routes_makes_no_series(bus: Bus, tally: Tally) -> None:
    for number in range(500):
        tally.row(404, f"/{number}").observe(1)
    found = samples(Metrics(bus, tally))
    assert sum(name == "stockade_requests_total" for name, _ in found) <= 6
    assert found["stockade_requests_route_overflow_total", ()] == 495


def test_it_is_scraped_over_http_and_a_taken_port_is_refused_clearly(
    bus: Bus, tally: Tally
) -> None:
    server = Metrics(bus, tally).serve("127.0.0.1:0")
    try:
        url = f"http://127.0.0.1:{server.port}/metrics"
        with urllib.request.urlopen(url, timeout=5) as response:
            assert b"stockade_events_dropped_total" in response.read()
        with pytest.raises(
            ConfigError, match=r"cannot listen on 127\.0\.0\.1:.*choose another port"
        ):
            Metrics(bus, tally).serve(f"127.0.0.1:{server.port}")
    finally:
        server.close()


@pytest.mark.parametrize("address", ["9464", ":9464", "localhost:http", "localhost:99999", ""])
def test_a_malformed_address_is_refused(bus: Bus, tally: Tally, address: str) -> None:
    with pytest.raises(ConfigError, match="not host:port"):
        Metrics(bus, tally).serve(address)


def test_it_mounts_as_an_asgi_application(bus: Bus, tally: Tally) -> None:
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "query_string": b"", "headers": []}
    asyncio.run(_call(Metrics(bus, tally), scope, receive, send))
    assert sent[0]["status"] == 200
    assert b"stockade_events_dropped_total" in sent[1]["body"]


async def _call(metrics: Metrics, scope: Any, receive: Any, send: Any) -> None:
    await metrics.asgi_app()(scope, receive, send)


def test_a_missing_extra_is_one_line_that_names_it() -> None:
    program = (
        "import sys; sys.modules['prometheus_client'] = None\n"
        "from stockade.core.errors import ConfigError\n"
        "import stockade.watch\n"
        "try: stockade.watch.Metrics\n"
        "except ConfigError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout == (
        "metrics need prometheus-client, which is not installed: pip install 'stockade[watch]'\n"
    )

"""A real Prometheus scrapes the clinic under four workers: its numbers are what was sent.

Workers are ended in between, one politely and one at once. Without the summing up, whoever is
scraped would tell of its own requests only, and the counters of a worker would end with it.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from stockade.watch.metrics.counts_file import decode
from stockade.watch.metrics.server import PUBLISH_SECONDS
from tests.integration.prometheus import Prometheus, program, scraping, until
from tests.integration.serving import Server, free_port, serving

REFUSED = 'stockade_requests_total{route="/patients",status="401"}'


@pytest.fixture
def metrics() -> str:
    program("prometheus")
    return f"127.0.0.1:{free_port()}"


@pytest.fixture
def clinic(metrics: str, tmp_path: Path) -> Iterator[Server]:
    settings = {
        "CLINIC_DATA": str(tmp_path / "data"),
        "STOCKADE_WATCH__METRICS": metrics,
        "STOCKADE_WATCH__RUN": str(tmp_path / "run"),
        "STOCKADE_REQUEST__RATE": "0",
    }
    with serving(
        "examples.clinic:app",
        tmp_path,
        guarded=False,
        ready="/health",
        arguments=("--workers", "4", "--timeout-worker-healthcheck", "60"),
        **settings,
    ) as server:
        yield server


def send(clinic: Server, requests: int) -> None:
    def ask(_: int) -> int:
        with closing(http.client.HTTPConnection("127.0.0.1", clinic.port, timeout=20)) as one:
            one.request("GET", "/patients")
            return one.getresponse().status

    # Several at a time, a connection each, so that every worker gets its share.
    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(ask, range(requests))) == {401}


def counted_by_each(folder: Path) -> dict[str, int]:
    """What each worker alone has counted for that row, by the name of its file."""
    found = {}
    for file in folder.glob("run/*/*.counts"):
        if file.stem != "base":
            rows = {labels: row[0] for labels, row in decode(file.read_bytes()).rows}
            found[file.stem] = rows.get(("/patients", "401"), 0)
    return found


def worker(folder: Path, *, holds_port: bool) -> int:
    """The process id of a worker that has counted requests."""
    counts = {file: decode(file.read_bytes()) for file in folder.glob("run/*/*.counts")}
    listening = _listener(folder)
    found = [one.pid for file, one in counts.items() if file.stem != "base" and one.rows]
    return next(pid for pid in found if (pid == listening) is holds_port)


def end(pid: int, number: signal.Signals) -> None:
    """Send a signal, and wait for the end: what a dying worker has accepted, nobody answers."""
    os.kill(pid, number)
    status = Path(f"/proc/{pid}/stat")

    def ended() -> bool:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            return status.read_text().rpartition(")")[2].split()[0] == "Z"
        return True

    assert until(ended)


def _listener(folder: Path) -> int:
    """Who holds the lock of the port, by the kernel's list of locks."""
    inode = next(folder.glob("run/*/port")).stat().st_ino
    for line in Path("/proc/locks").read_text().splitlines():
        fields = line.split()
        if fields[5].rpartition(":")[2] == str(inode):
            return int(fields[4])
    raise AssertionError("nobody listens")


def equals(prometheus: Prometheus, sent: int) -> bool:
    return until(lambda: prometheus.value(f"sum({REFUSED})") == sent, 10)


def test_prometheus_counts_what_was_sent_while_workers_come_and_go(
    clinic: Server, metrics: str, tmp_path: Path
) -> None:
    with scraping(metrics, tmp_path) as prometheus:
        sent, alone = 0, dict[str, int]()
        while sent < 5_000 and (len(alone) < 4 or not all(alone.values())):
            send(clinic, 200)
            sent += 200
            assert equals(prometheus, sent), prometheus.query(REFUSED)
            alone = counted_by_each(tmp_path)
        assert until(lambda: prometheus.value("stockade_processes") == 4)
        # The harm: each worker alone has counted less, and two of them are about to go.
        assert len(alone) == 4
        assert sum(alone.values()) == sent
        assert max(alone.values()) < sent
        end(worker(tmp_path, holds_port=False), signal.SIGTERM)
        send(clinic, 50)
        time.sleep(2 * PUBLISH_SECONDS)  # what a SIGKILL takes with it, as documented
        end(worker(tmp_path, holds_port=True), signal.SIGKILL)
        send(clinic, 50)
        sent += 100
        assert equals(prometheus, sent), prometheus.query(REFUSED)
        assert until(lambda: prometheus.value("stockade_processes") == 4)
        time.sleep(1.5)
        assert prometheus.value(f"sum({REFUSED})") == sent
        assert prometheus.value(f"sum(resets({REFUSED}[1h]))") == 0
        duration = 'stockade_request_duration_seconds_count{route="/patients",status="401"}'
        assert prometheus.value(f"sum({duration})") == sent
        assert prometheus.value("stockade_requests_in_flight") == 0
        assert prometheus.value("sum(stockade_events_dropped_total)") == 0
        assert prometheus.value("stockade_ready") == 1
        left = counted_by_each(tmp_path)
        assert sum(left.values()) < sent  # the live ones alone would have gone backwards

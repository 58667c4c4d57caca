"""Workers that are forked or spawned, preloaded or run under `stockade run`: one sum, exact.

And a service whose log nobody reads any more: it serves on, and says so where it still can.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.integration.prometheus import until
from tests.integration.serving import APPS, PROJECT, STOCKADE_RUN, free_port

GUNICORN = [sys.executable, "-m", "gunicorn", "--workers", "3", "--bind", "127.0.0.1:{port}"]
COMMANDS = {
    "gunicorn": [*GUNICORN, "counted_flask:app"],
    "gunicorn, preloaded": [*GUNICORN, "--preload", "counted_flask:app"],
    "stockade run, gunicorn": [*STOCKADE_RUN, "--", *GUNICORN, "counted_flask:app"],
}


class Service:
    def __init__(self, process: subprocess.Popen[bytes], port: int, metrics: str) -> None:
        self.process, self.port, self.metrics = process, port, metrics

    def get(self, path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(connection):
            connection.request("GET", path)
            return connection.getresponse().status

    def answers(self) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.get("/ready") == 404
        return False

    def number(self, start: str) -> float:
        """The sum of the samples whose line begins so."""
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            with urllib.request.urlopen(f"http://{self.metrics}/metrics", timeout=10) as answer:
                lines = answer.read().decode().splitlines()
            return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(start))
        return -1

    def health(self) -> dict[str, Any]:
        url = f"http://{self.metrics}/readyz"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                found: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                found = json.load(error)
        return found


@contextlib.contextmanager
def running(command: Sequence[str], folder: Path, *, log: str, stdout: Any) -> Iterator[Service]:
    port, metrics = free_port(), f"127.0.0.1:{free_port()}"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": os.pathsep.join(map(str, (PROJECT, APPS))),
        "STOCKADE_WATCH__LOG": log,
        "STOCKADE_WATCH__METRICS": metrics,
        "STOCKADE_DEFENCE__MODE": "block",
    }
    with (folder / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            [part.format(port=port) for part in command],
            cwd=folder,
            env=environment,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
    service = Service(process, port, metrics)
    try:
        assert until(service.answers, 60), (folder / "stderr").read_text()
        yield service
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.mark.parametrize("name", COMMANDS)
def test_the_sum_is_what_was_sent(name: str, tmp_path: Path) -> None:
    counted = 'stockade_requests_total{route="/counted/<int:number>",status="200"}'
    log = str(tmp_path / "events.jsonl")
    with running(COMMANDS[name], tmp_path, log=log, stdout=subprocess.DEVNULL) as service:
        for number in range(60):
            assert service.get(f"/counted/{number}") == 200
        assert until(lambda: service.number(counted) == 60, 30), (
            service.number(counted),
            service.health(),
            (tmp_path / "stderr").read_text(),
        )
        assert until(lambda: service.number("stockade_processes") >= 3, 30)
        assert "WARNING" not in (tmp_path / "stderr").read_text()


def test_a_log_that_nobody_reads_holds_up_no_request_and_is_told(tmp_path: Path) -> None:
    command = [*GUNICORN[:3], "--bind", "127.0.0.1:{port}", "--threads", "4", "counted_flask:app"]
    with running(command, tmp_path, log="-", stdout=subprocess.PIPE) as service:
        for number in range(600):  # more lines than a pipe holds
            assert service.get(f"/counted/{number}") == 200
        waiting = 'stockade_queue_events{lane="telemetry"}'
        assert until(lambda: service.number(waiting) > 0, 10)
        stalled = 'stockade_defence_state{defence="bus",state="degraded"}'
        assert until(lambda: service.number(stalled) == 1, 20)
        (down,) = service.health()["down"]
        assert (down["defence"], down["state"]) == ("bus", "degraded")
        assert service.get("/counted/1") == 200
        assert service.number("stockade_events_dropped_total") == 0
        assert service.process.stdout is not None
        os.set_blocking(service.process.stdout.fileno(), False)
        read = bytearray()

        def recovered() -> bool:
            while data := service.process.stdout and service.process.stdout.read(1 << 16):
                read.extend(data)
            return b'"defence_recovered"' in read

        assert until(recovered, 20)
        served = read.count(b'"name":"http_request"')
        assert served >= 601  # nothing of it was lost
        assert service.number(stalled) == 0

"""Who listens, who stands by, who takes over; and what health pages say of all processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stockade.core.bus import Bus
from stockade.core.health import OK, Health, State, Verdict
from stockade.core.tally import Tally
from stockade.watch.metrics import health_pages
from stockade.watch.metrics.counts import Counts
from stockade.watch.metrics.held import Held
from stockade.watch.metrics.server import Server
from tests.integration.serving import free_port

# A process that serves metrics and counts one request for each line it reads.
WORKER = """
import sys
from stockade.core.tally import tally
from stockade.watch.metrics import Metrics
server = Metrics(folder=sys.argv[1]).serve(sys.argv[2])
print(server.port, flush=True)
for line in sys.stdin:
    tally.row(200, "/a").observe(1)
    print("counted", flush=True)
"""


class Worker:
    def __init__(self, folder: Path, address: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(folder), address],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def count(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "counted\n"

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def address() -> str:
    return f"127.0.0.1:{free_port()}"


@pytest.fixture
def workers(tmp_path: Path, address: str) -> Iterator[list[Worker]]:
    found = [Worker(tmp_path, address) for _ in range(2)]
    yield found
    for worker in found:
        if worker.process.returncode is None:
            worker.kill()


def get(address: str, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def requests(address: str) -> float:
    _, text = get(address, "/metrics")
    lines = [line for line in text.splitlines() if line.startswith("stockade_requests_total{")]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def eventually(condition: Any, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if condition():
                return True
        except OSError:
            pass  # nobody listens at this moment
        time.sleep(0.05)
    return False


def test_one_listens_for_all_and_another_takes_over(workers: list[Worker], address: str) -> None:
    first, second = workers
    assert first.port == int(address.rpartition(":")[2])
    assert second.port == 0
    for worker in (first, second, second):
        worker.count()
    assert eventually(lambda: requests(address) == 3)
    time.sleep(0.6)  # all of it is published
    first.kill()
    assert eventually(lambda: requests(address) == 3)
    second.count()
    assert requests(address) == 4
    status, text = get(address, "/readyz")
    assert status == 200
    assert json.loads(text)["status"] == "ok"


class Local:
    """A server of this very process."""

    def __init__(self, folder: Path, address: str) -> None:
        self.health = Health()
        self.counts = Counts(Bus(), Tally(), self.health, folder=folder)
        pages = health_pages.pages(self.counts)
        self.server = Server(self.counts, address, pages, setting="watch.health")


@pytest.fixture
def local(tmp_path: Path, address: str) -> Iterator[Local]:
    found = Local(tmp_path, address)
    yield found
    found.server.close()


def test_a_defence_that_is_down_is_named_and_makes_the_service_unready(
    local: Local, address: str
) -> None:
    local.health.watch("store", lambda: OK, required=True)
    local.health.check()
    assert get(address, "/readyz")[0] == 200
    local.health.watch("store", lambda: Verdict(State.FAILED, "It is down."), required=True)
    local.health.check()
    status, text = get(address, "/readyz")
    document = json.loads(text)
    assert status == 503
    assert document["status"] == "unavailable"
    assert document["defences"] == {"store": {"failed": 1}}
    (down,) = document["down"]
    assert (down["defence"], down["state"], down["reason"]) == ("store", "failed", "It is down.")
    assert down["process"] == os.getpid()
    assert get(address, "/livez") == (200, '{\n  "status": "ok"\n}\n')
    local.health.watch("bus", lambda: Verdict(State.FAILED, "No thread."))
    local.health.check()
    assert get(address, "/livez")[0] == 503


def test_counts_that_cannot_be_published_are_a_failed_defence(
    local: Local, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert local.server.verdict() == OK
    monkeypatch.setattr("stockade.watch.metrics.folder._WAIT_SECONDS", 0.01)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("stockade.watch.metrics.folder.Folder._write", full)
    local.counts._tally.row(200, "/a").observe(1)
    assert eventually(lambda: local.server.verdict().state is State.FAILED)
    monkeypatch.undo()
    assert eventually(lambda: local.server.verdict() == OK)


def test_a_wildcard_address_is_warned_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = Local(tmp_path, "0.0.0.0:0")
    found.server.close()
    assert "tells every host that reaches 0.0.0.0:0" in capsys.readouterr().err


def test_who_closes_makes_room(tmp_path: Path, address: str) -> None:
    Local(tmp_path, address).server.close()
    again = Local(tmp_path, address)
    assert again.server.port
    again.server.close()
    held = Held.take(tmp_path / "port")
    assert held is not None
    held.release()

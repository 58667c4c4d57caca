"""The clinic as its users run it: a process of its own, on loopback, its data in scratch."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]


class Clinic:
    """A running clinic; `passwords` are those that its first start printed."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.passwords: dict[str, str] = {}
        self.clients: list[httpx.Client] = []
        self.start()

    def start(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.output = self.data / "output"
        environ = {
            **os.environ,
            "CLINIC_DATA": str(self.data),
            "STOCKADE_WATCH__METRICS": "127.0.0.1:0",
            "STOCKADE_REQUEST__RATE": "0",
        }
        command = [sys.executable, "-m", "uvicorn", "examples.clinic:app", "--port", str(port)]
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [*command, "--no-access-log"], cwd=ROOT, env=environ, stdout=output, stderr=output
            )
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                httpx.get(self.url + "/health")
                break
            except httpx.TransportError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.05)
        else:
            pytest.fail("the clinic did not start:\n" + self.output.read_text())
        if self.process.poll() is not None:
            pytest.fail("the clinic ended at once:\n" + self.output.read_text())
        printed = re.findall(r"first account: (\S+) \S+ (\S+)", self.output.read_text())
        self.passwords.update(printed)

    def kill(self) -> None:
        """SIGKILL: no goodbye, nothing flushed."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        for client in self.clients:
            client.close()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()

    def client(self, name: str = "") -> httpx.Client:
        """A browser of somebody; signed in, where `name` says who."""
        client = httpx.Client(base_url=self.url, headers={"origin": self.url}, timeout=20)
        self.clients.append(client)
        if name:
            answer = client.post("/sign-in", json=self.credentials(name))
            assert answer.status_code == 204, answer.text
        return client

    def credentials(self, name: str) -> dict[str, str]:
        return {"name": name, "password": self.passwords[name]}


@pytest.fixture(scope="session")
def start() -> Iterator[Callable[[Path], Clinic]]:
    """Starts a clinic on a folder; all are stopped at the end."""
    started: list[Clinic] = []

    def begin(data: Path) -> Clinic:
        started.append(Clinic(data))
        return started[-1]

    yield begin
    for clinic in started:
        clinic.stop()


@pytest.fixture(scope="module")
def clinic(start: Callable[[Path], Clinic], tmp_path_factory: pytest.TempPathFactory) -> Clinic:
    return start(tmp_path_factory.mktemp("clinic"))

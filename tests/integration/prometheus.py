"""Debian's Prometheus and promtool for tests, where they are; elsewhere a visible skip."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.serving import free_port

__all__ = ["Prometheus", "program", "scraping", "until"]

SECONDS = 20.0


def program(name: str) -> str:
    """The path of `prometheus` or `promtool`."""
    found = shutil.which(name)
    if found is not None:
        return found
    message = f"no {name} here: apt-get install prometheus"
    if os.environ.get("STOCKADE_FULL") == "1":
        pytest.fail(message)
    pytest.skip(message)


def until(condition: Callable[[], bool], seconds: float = SECONDS) -> bool:
    """Whether `condition` comes true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.1)
    return True


class Prometheus:
    """A running Prometheus that scrapes one address every half second."""

    def __init__(self, port: int) -> None:
        self._api = f"http://127.0.0.1:{port}/api/v1/query?"

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The vector that an instant query gives."""
        url = self._api + urllib.parse.urlencode({"query": expression})
        with urllib.request.urlopen(url, timeout=5) as response:
            result: list[dict[str, Any]] = json.load(response)["data"]["result"]
        return result

    def value(self, expression: str) -> float | None:
        """The one number that an expression gives; None where it gives none."""
        found = self.query(expression)
        assert len(found) <= 1, found
        return float(found[0]["value"][1]) if found else None

    def answers(self) -> bool:
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            return self.value("vector(1)") == 1
        return False


@contextlib.contextmanager
def scraping(target: str, folder: Path) -> Iterator[Prometheus]:
    """A real Prometheus on loopback, until the end of the block."""
    port = free_port()
    configuration = folder / "prometheus.yml"
    configuration.write_text(
        "global: {scrape_interval: 500ms, scrape_timeout: 500ms}\n"
        "scrape_configs:\n"
        f"- {{job_name: stockade, static_configs: [{{targets: ['{target}']}}]}}\n"
    )
    command = [
        program("prometheus"),
        f"--config.file={configuration}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        prometheus = Prometheus(port)
        assert until(prometheus.answers), (folder / "prometheus.log").read_text()
        yield prometheus
    finally:
        process.kill()
        process.wait()

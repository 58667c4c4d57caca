"""The access logs of real servers: the raw query stands in them bare, and in nothing guarded."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.sync.client import connect

from tests.integration.serving import APPS, PROJECT, STOCKADE_RUN, free_port

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")

QUERY = "token=raw-query-of-a-client"
PATH = f"/buy/tea?{QUERY}"
SECONDS = 40.0
PORT = "{port}"
SERVERS = {
    "uvicorn": ("asgi", "-m", "uvicorn", "own_log:app", "--port", PORT),
    "uvicorn-run": ("asgi", str(APPS / "own_log.py")),
    "gunicorn": ("wsgi", "-m", "gunicorn", "own_log:flask_app", "--bind", "127.0.0.1:{port}", "--access-logfile", "-"),
    # gunicorn's logger under uvicorn's protocol
    "gunicorn-uvicorn": ("asgi", "-m", "gunicorn", "own_log:app", "--bind", "127.0.0.1:{port}", "--access-logfile", "-", "-k", "uvicorn.workers.UvicornWorker"),
    "hypercorn": ("asgi", "-m", "hypercorn", "own_log:app", "--bind", "127.0.0.1:{port}", "--access-logfile", "-", "--access-logformat", "%(U)s?%(q)s"),
    "granian": ("asgi", "-m", "granian", "own_log:app", "--interface", "asgi", "--port", PORT, "--access-log", "--access-log-fmt", "%(path)s?%(query_string)s"),
    "flask-run": ("wsgi", "-m", "flask", "--app", "own_log:flask_app", "run", "--port", PORT),
}  # fmt: skip


class Served:
    def __init__(self, port: int, log: Path, events: Path) -> None:
        self.port, self._log, self._events = port, log, events

    def get(self, path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        with contextlib.closing(connection):
            connection.request("GET", path)
            return connection.getresponse().status  # the body is left: a client that goes early

    def said(self) -> str:
        return self._log.read_text("utf-8", "replace")

    def events(self, name: str) -> list[dict[str, object]]:
        lines = self._events.read_text().splitlines() if self._events.exists() else []
        return [event for event in map(json.loads, lines) if event["name"] == name]

    def wait(self) -> None:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.get("/openapi-ready") == 200:
                    return
            time.sleep(0.05)
        pytest.fail(f"the server did not start: {self.said()[-2000:]}")

    def wait_for_events(self, name: str, resource: str, count: int) -> list[dict[str, object]]:
        deadline = time.monotonic() + SECONDS
        while True:
            found = [event for event in self.events(name) if event["resource"] == resource]
            if len(found) >= count or time.monotonic() > deadline:
                assert len(found) == count
                return found
            time.sleep(0.05)

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + SECONDS
        while text not in self.said() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert text in self.said()


@contextlib.contextmanager
def served(
    server: str, folder: Path, *before: str, guarded: bool, **environ: str
) -> Iterator[Served]:
    folder.mkdir()
    port = free_port()
    kind, *command = (word.replace(PORT, str(port)) for word in SERVERS[server])
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PORT": str(port),
        "PYTHONPATH": os.pathsep.join(map(str, (PROJECT, APPS))),
        "PYTHONWARNINGS": "ignore",
        "STOCKADE_WATCH__LOG": str(folder / "events.jsonl"),
    }
    if guarded:
        environment["GUARDED"] = kind
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*before, sys.executable, *command],
            cwd=folder,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env=environment | environ,
        )
    try:
        yield Served(port, log, folder / "events.jsonl")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize("server", SERVERS)
def test_the_raw_query_is_in_the_servers_log_and_not_once_it_is_replaced(
    server: str, tmp_path: Path
) -> None:
    with (
        served(server, tmp_path / "bare", guarded=False) as bare,
        served(server, tmp_path / "guarded", guarded=True) as guarded,
    ):
        bare.wait()
        assert bare.get(PATH) == 200
        bare.wait_for(QUERY)
        assert "OWN INFO bought" in bare.said()

        guarded.wait()
        for _ in range(3):
            assert guarded.get(PATH) == 200
        accessed = guarded.wait_for_events("http_request", _route(server), 3)
        said, logged = guarded.said(), guarded.events("app_log")
        assert len(guarded.events("access_log_replaced")) == 1
    assert QUERY not in said
    assert said.count("own access log is off") == 1
    assert said.count("OWN INFO bought") == 3  # nobody loses the logs they have
    bought = [event for event in logged if "bought" in str(event["details"])]
    assert len(bought) == 3
    assert {event["request_id"] for event in bought} == {event["request_id"] for event in accessed}
    assert QUERY not in (tmp_path / "guarded" / "events.jsonl").read_text()


def _route(server: str) -> str:
    return "/buy/<item>" if SERVERS[server][0] == "wsgi" else "/buy/{item}"


def test_keep_leaves_it(tmp_path: Path) -> None:
    keep = {"STOCKADE_WATCH__ACCESS_LOG": "keep"}
    with served("uvicorn", tmp_path / "keep", guarded=True, **keep) as kept:
        kept.wait()
        assert kept.get(PATH) == 200
        kept.wait_for(QUERY)
        assert "access log is off" not in kept.said()


def test_without_an_event_log_nobodys_access_log_is_taken_away(tmp_path: Path) -> None:
    with served("uvicorn", tmp_path / "none", guarded=True, STOCKADE_WATCH__LOG="") as kept:
        kept.wait()
        assert kept.get(PATH) == 200
        kept.wait_for(QUERY)


def test_stockade_run_says_it_once_for_all_workers(tmp_path: Path) -> None:
    run = (*STOCKADE_RUN, "--")
    with served("gunicorn", tmp_path / "run", *run, guarded=False) as guarded:
        guarded.wait()
        assert guarded.get(PATH) == 200
        guarded.wait_for_events("http_request", "/buy/<item>", 1)
        assert QUERY not in guarded.said()
        assert guarded.said().count("own access log is off") == 1


def test_a_websockets_handshake_is_an_event_and_its_query_in_no_log(tmp_path: Path) -> None:
    def shake_hands(running: Served) -> None:
        with connect(f"ws://127.0.0.1:{running.port}/live?{QUERY}"):
            pass

    with (
        served("uvicorn", tmp_path / "bare", guarded=False) as bare,
        served("uvicorn", tmp_path / "guarded", guarded=True) as guarded,
    ):
        bare.wait()
        shake_hands(bare)
        bare.wait_for(QUERY)
        guarded.wait()
        shake_hands(guarded)
        (event,) = guarded.wait_for_events("http_request", "/live", 1)
        assert QUERY not in guarded.said()
    assert "'status': 101" in str(event["details"])

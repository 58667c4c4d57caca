"""Silent failures under the servers that people run: every worker tells, and of dead ones others."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.serving import APPS, PROJECT, Server, free_port

CANARY = "7f3a-told-in-confidence"
UVICORN = ("-m", "uvicorn", "fails_silently:app", "--workers", "2", "--port", "{port}")
GUNICORN = ("-m", "gunicorn", "fails_silently:flask_app", "-w", "2", "-b", "127.0.0.1:{port}")
SERVERS = {
    "uvicorn, uvloop": (*UVICORN, "--loop", "uvloop"),
    "uvicorn, asyncio": (*UVICORN, "--loop", "asyncio"),
    "gunicorn, threads": (*GUNICORN, "-k", "gthread", "--threads", "4"),
    "gunicorn, preloaded": (*GUNICORN, "-k", "gthread", "--preload"),
}


@contextlib.contextmanager
def workers(folder: Path, server: str, **environ: str) -> Iterator[Server]:
    """Two workers of a server under `stockade run`."""
    port = free_port()
    words = [word.format(port=port) for word in SERVERS[server]]
    command = [sys.executable, "-m", "stockade", "run", "--", sys.executable, *words]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": os.pathsep.join(map(str, (PROJECT, APPS))),
        "STOCKADE_WATCH__LOG": str(folder / "events.jsonl"),
        "STOCKADE_WATCH__APPLICATION_LOGS": "leave",
        "STOCKADE_WATCH__HEARTBEAT": "0.3",
    } | environ
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    running = Server(process, port, folder)
    try:
        running.wait("/pid")
        yield running
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def told(server: Server, rule: str) -> list[dict[str, Any]]:
    lines = server.events.read_text("utf-8").splitlines() if server.events.exists() else []
    assert CANARY not in "\n".join(lines)
    events = [json.loads(line) for line in lines if line.endswith("}")]
    return [event for event in events if event["rule"] == rule]


def until(found: Callable[[], Any], seconds: float = 20.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < deadline, "no such event came"
        time.sleep(0.05)
    return value


@pytest.mark.parametrize("name", SERVERS)
def test_a_failure_behind_a_request_is_told_by_whichever_worker_it_is(
    name: str, tmp_path: Path
) -> None:
    with workers(tmp_path, name) as server:
        for _ in range(4):
            assert server.get("/forgets")[0] == 200
        rule = "silence.task" if "uvicorn" in name else "silence.thread"
        events = until(lambda: len(told(server, rule)) == 4 and told(server, rule))
        raised = "send_mail" if "uvicorn" in name else "index"
        assert all(f"fails_silently:{raised}:" in one["details"]["raised"] for one in events)
        if rule == "silence.thread":  # a thread carries its request's context
            assert {one["resource"] for one in events} == {"/forgets"}


def test_without_it_the_log_knows_of_no_failure_and_of_no_stall(tmp_path: Path) -> None:
    off = {
        "STOCKADE_WATCH__SILENCE": "false",
        "STOCKADE_WATCH__LOOP_STALL": "0",
        "STOCKADE_WATCH__HEARTBEAT": "0",
    }
    with workers(tmp_path, "uvicorn, uvloop", **off) as server:
        assert server.get("/forgets")[0] == 200
        assert server.get("/blocks")[0] == 200
        os.kill(int(server.get("/pid")[1]), signal.SIGKILL)
        time.sleep(1.5)
        assert told(server, "silence.task") == []
        assert told(server, "silence.loop-stall") == []
        assert told(server, "app.vanished") == []


def test_a_blocked_loop_is_told_with_its_line(tmp_path: Path) -> None:
    with workers(tmp_path, "uvicorn, uvloop") as server:
        assert server.get("/blocks")[0] == 200
        stalls = until(lambda: told(server, "silence.loop-stall"))
        # Loading the application took longer, and is no stall: nobody waited for it.
        assert {one["details"]["stack"][0].rpartition(":")[0] for one in stalls} == {
            "fails_silently:blocks"
        }


@pytest.mark.parametrize("name", ["uvicorn, uvloop", "gunicorn, threads"])
def test_a_worker_that_is_killed_is_told_by_those_that_live(name: str, tmp_path: Path) -> None:
    with workers(tmp_path, name) as server:
        victim = int(server.get("/pid")[1])
        time.sleep(1.0)  # its first signs of life
        os.kill(victim, signal.SIGKILL)
        crashes = until(lambda: told(server, "app.vanished"))
        assert [one["details"]["pid"] for one in crashes] == [victim]

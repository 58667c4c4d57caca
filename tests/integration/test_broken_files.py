"""A log that cannot be written does not stop the service; a broken configuration stops its start."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.conftest import UNMEASURED
from tests.integration.serving import STOCKADE_RUN, Server, free_port, serving

INTAKE = "intake:app"
SECONDS = 10.0
COMPLAINT = "events.jsonl cannot be written ("
ALERT = "ALERT log_write_failed"


def failures(port: int) -> float:
    """stockade_log_write_failures_total of the log, as Prometheus reads it."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=SECONDS) as answer:
        text = answer.read().decode()
    found = re.search(
        r'^stockade_log_write_failures_total\{file="log"\} (\S+)$', text, re.MULTILINE
    )
    assert found is not None, text
    return float(found[1])


def keep_asking(server: Server, batches: int) -> None:
    """Requests in so many batches of the bus, which go out every 50 ms; each is served."""
    for _ in range(batches):
        for _ in range(5):
            assert server.get("/find?text=lamp")[0] == 200
        time.sleep(0.06)


def lines_of(log: Path) -> int:
    """Access events of `/find`; every line is whole."""
    events = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    return sum(event["resource"] == "/find" for event in events)


def await_lines(log: Path, number: int) -> None:
    deadline = time.monotonic() + SECONDS
    while not log.exists() or lines_of(log) < number:
        assert time.monotonic() < deadline, f"{lines_of(log) if log.exists() else 'no'} lines"
        time.sleep(0.05)
    assert lines_of(log) == number


def test_a_full_disk_is_said_once_and_counted_and_the_service_goes_on(tmp_path: Path) -> None:
    port = free_port()
    settings = {
        "STOCKADE_WATCH__LOG": "/dev/full",
        "STOCKADE_WATCH__METRICS": f"127.0.0.1:{port}",
    }
    with serving(INTAKE, tmp_path, guarded=True, **settings) as server:
        keep_asking(server, 10)
        assert failures(port) > 5
        said = server.said()
        assert said.count("/dev/full cannot be written (ENOSPC") == 1, said
        assert said.count(ALERT) == 1
        assert "Traceback" not in said


def test_the_healthy_twin_counts_no_failure_and_has_every_line(tmp_path: Path) -> None:
    port = free_port()
    settings = {"STOCKADE_WATCH__METRICS": f"127.0.0.1:{port}"}
    with serving(INTAKE, tmp_path, guarded=True, **settings) as server:
        keep_asking(server, 10)
        await_lines(server.events, 50)
        assert failures(port) == 0
        assert COMPLAINT not in server.said()
        assert ALERT not in server.said()


@pytest.mark.parametrize("how", ["removed", "replaced by a file"])
def test_a_log_whose_folder_goes_away_waits_and_is_written_again(tmp_path: Path, how: str) -> None:
    port, folder = free_port(), tmp_path / "logs"
    folder.mkdir()
    log = folder / "events.jsonl"
    settings = {
        "STOCKADE_WATCH__LOG": str(log),
        "STOCKADE_WATCH__METRICS": f"127.0.0.1:{port}",
    }
    with serving(INTAKE, tmp_path, guarded=True, **settings) as server:
        keep_asking(server, 2)
        await_lines(log, 10)
        assert failures(port) == 0

        shutil.rmtree(folder)
        if how != "removed":
            folder.touch()
        keep_asking(server, 6)
        assert failures(port) > 2
        assert server.said().count(COMPLAINT) == server.said().count(ALERT) == 1, server.said()

        if how != "removed":
            folder.unlink()
        folder.mkdir()
        keep_asking(server, 1)
        await_lines(log, 6 * 5 + 5)  # none of those that waited is lost
        assert "is written again; 0 line(s) were lost" in server.said()


BROKEN = {
    "unknown key": (
        '[defence]\nmode = "block"\n\n[request]\nmax_boody = 5\n',
        "stockade.toml:5: unknown key 'max_boody' in [request]; did you mean 'max_body'?",
    ),
    "unknown section": (
        '[defence]\nmode = "block"\n\n[fierwall]\nsql = "block"\n',
        "stockade.toml:4: unknown section 'fierwall'; did you mean 'firewall'?",
    ),
    "key outside its section": (
        '\nmode = "block"\n',
        "stockade.toml:2: unknown section 'mode'; ",
    ),
    "wrong type": (
        '[request]\nmax_body = "8 MiB"\n',
        "stockade.toml:2: [request] max_body: expected `int`, got `str`",
    ),
    "wrong choice": (
        '# sinks\n[firewall]\nsql = "blok"\n',
        "stockade.toml:3: [firewall] sql: invalid enum value 'blok'",
    ),
    "not TOML": ("[request]\nmax_body = \n", "stockade.toml: is not TOML: "),
    "not UTF-8": ("[request]\n# \udcff\n", "stockade.toml: is not UTF-8 (byte 12)"),
}


def start(folder: Path) -> subprocess.CompletedProcess[str]:
    """`stockade run` of an application that leaves a file as soon as it is loaded."""
    (folder / "shop.py").write_text("open('loaded', 'w').close()\n")
    command = [*STOCKADE_RUN, "--", sys.executable, "-c", "import shop"]
    return subprocess.run(
        command,
        cwd=folder,
        env=UNMEASURED | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_configuration_is_said_and_the_application_never_starts(
    name: str, tmp_path: Path
) -> None:
    text, message = BROKEN[name]
    (tmp_path / "stockade.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    done = start(tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert not (tmp_path / "loaded").exists()


def test_its_repaired_twin_starts_it(tmp_path: Path) -> None:
    (tmp_path / "stockade.toml").write_text(
        '[defence]\nmode = "block"\n\n[request]\nmax_body = 5\n'
    )
    assert start(tmp_path).returncode == 0
    assert (tmp_path / "loaded").exists()

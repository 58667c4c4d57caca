"""The commands as a person runs them: processes, files, exit codes."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from stockade.watch.ocsf import OcsfLines
from tests.tools.events.logs import event, lines, request
from tests.watch.ocsf.published import violations

NASTY = "\x1b]0;owned\x07\x9b31m\u202eevil\r\n\x00"


def stockade(*words: str, cwd: Path, stdin: bytes = b"", **environ: str) -> Any:
    return subprocess.run(
        [sys.executable, "-m", "stockade", "events", *words],
        input=stdin,
        capture_output=True,
        cwd=cwd,
        env={**os.environ, "COLUMNS": "200", **environ},
        check=False,
        timeout=60,
    )


@pytest.fixture
def log(tmp_path: Path) -> Path:
    events = [request(second, "/a" if second % 2 else "/b", second + 1) for second in range(50)]
    attack = event(
        60,
        "malicious_sqli",
        severity="critical",
        outcome="blocked",
        part="firewall",
        resource="/a",
        rule="sql.crosses-literal",
        client="203.0.113.9",
        reason="A value would have changed an SQL statement.",
    )
    file = tmp_path / "events.jsonl"
    file.write_bytes(lines(*events, attack))
    return file


def test_the_last_ones_filtered_for_people_for_programs_and_as_ocsf(log: Path) -> None:
    shown = stockade("tail", str(log), "-n", "2", cwd=log.parent)
    text = shown.stdout.decode()
    assert (shown.returncode, shown.stderr) == (0, b"")
    assert "/a from 203.0.113.9 [sql.crosses-literal]" in text
    assert "r-49" in text
    assert "r-48" not in text
    found = stockade("tail", str(log), "--json", "--route", "/b", "-n", "3", cwd=log.parent)
    assert [json.loads(line)["request_id"] for line in found.stdout.splitlines()] == [
        "r-44",
        "r-46",
        "r-48",
    ]
    ocsf = stockade("tail", str(log), "--format", "ocsf", "--name", "malicious_*", cwd=log.parent)
    [made] = map(json.loads, ocsf.stdout.splitlines())
    assert made["class_uid"] == 2004
    assert violations(made) == []


def test_the_log_of_the_configuration_with_its_rotated_files(log: Path, tmp_path: Path) -> None:
    (tmp_path / "stockade.toml").write_text('[watch]\nlog = "events.jsonl"\n')
    (tmp_path / "events.jsonl.1").write_bytes(OcsfLines()([request(0, "/old", 7)]))
    os.utime(tmp_path / "events.jsonl.1", (1, 1))
    plain = json.loads(stockade("stats", "--json", cwd=tmp_path).stdout)
    assert (plain["events"], "/old" in plain["routes"]) == (51, False)
    both = json.loads(stockade("stats", "--json", "--rotated", cwd=tmp_path).stdout)
    assert (both["events"], both["routes"]["/old"]) == (52, 1)


def test_statistics_for_people_and_programs(log: Path) -> None:
    text = stockade("stats", str(log), "--top", "2", cwd=log.parent).stdout.decode()
    assert "51 events, from 2026-01-01T00:00:00+00:00 to 2026-01-01T00:01:00+00:00" in text
    assert "p95" in text
    found = json.loads(
        stockade("stats", "-", "--json", cwd=log.parent, stdin=log.read_bytes()).stdout
    )
    assert found["names"] == {"http_request": 50, "malicious_sqli": 1}
    assert found["latency_ms"]["/a"]["max"] == 50.0


def test_what_could_not_be_read_is_said_and_exit_code_3(log: Path) -> None:
    log.write_bytes(b"GET / 200\n" + log.read_bytes() + b'{"time": "2026')
    for words in (("stats", str(log), "--json"), ("tail", str(log), "-n", "100", "--json")):
        done = stockade(*words, cwd=log.parent)
        assert done.returncode == 3
        assert b"1 line(s) are no events" in done.stderr
        assert b"torn line" in done.stderr
    absent = stockade("stats", "absent.jsonl", cwd=log.parent)
    assert (absent.returncode, b"absent.jsonl cannot be read" in absent.stderr) == (3, True)


@pytest.mark.parametrize(
    "words",
    [
        ("tail", "log", "--since", "yesterday"),
        ("stats", "log", "--where", "nonsense"),
        ("tail", "-", "-f"),
        ("stats",),
        ("tail", "log", "--format", "xml"),
    ],
)
def test_wrong_usage_is_exit_code_2(words: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "stockade.toml").write_text('[watch]\nlog = ""\n')
    done = stockade(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr


def test_no_control_character_of_a_log_reaches_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(
        lines(
            event(1, resource=NASTY, rule=NASTY, client=NASTY, reason=NASTY, details={NASTY: NASTY})
        )
    )
    for words in (
        ("tail", "log"),
        ("tail", "log", "--json"),
        ("tail", "log", "--format", "ocsf"),
        ("stats", "log"),
        ("stats", "log", "--json"),
        ("tail", NASTY.replace("\x00", "")),
    ):
        done = stockade(*words, cwd=tmp_path, NO_COLOR="1")
        output = (done.stdout + done.stderr).decode()
        assert "owned" in output
        assert [c for c in output if not c.isprintable() and c != "\n"] == [], words


def test_it_follows_over_a_rotation_until_it_is_interrupted(log: Path) -> None:
    command = [sys.executable, "-m", "stockade", "events", "tail", "-f", "-n", "1", "--json"]
    with subprocess.Popen([*command, str(log)], stdout=subprocess.PIPE) as tail:
        assert tail.stdout is not None
        assert json.loads(tail.stdout.readline())["name"] == "malicious_sqli"
        with log.open("ab") as file:
            file.write(lines(request(100, "/new", 1)))
        assert json.loads(tail.stdout.readline())["request_id"] == "r-100"
        os.rename(log, log.with_suffix(".1"))
        log.write_bytes(lines(request(101, "/new", 1)))
        assert json.loads(tail.stdout.readline())["request_id"] == "r-101"
        tail.send_signal(signal.SIGINT)
        try:
            assert tail.wait(10) == 0
        finally:
            tail.kill()


def test_a_reader_that_has_had_enough_is_no_error(log: Path) -> None:
    log.write_bytes(log.read_bytes() * 200)
    command = f"{sys.executable} -m stockade events tail {log} -n 9000 --json | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=True)
    assert (done.stdout.count(b"\n"), done.stderr) == (1, b"")


def test_long_work_has_a_bar_and_lines_are_coloured_on_a_terminal(log: Path) -> None:
    log.write_bytes(log.read_bytes() * 800)
    assert log.stat().st_size > 8 << 20
    assert b"reading" in _on_a_terminal("stats", str(log))
    assert b"\x1b[31mBLOCKED" in _on_a_terminal("tail", str(log), "-n", "1")


def _on_a_terminal(*words: str) -> bytes:
    ours, theirs = pty.openpty()
    environ = {k: v for k, v in os.environ.items() if k != "NO_COLOR"} | {"TERM": "xterm-256color"}
    command = [sys.executable, "-m", "stockade", "events", *words]
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, env=environ):
        os.close(theirs)
        got, deadline = b"", time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                got += os.read(ours, 65_536)
            except OSError:  # everybody at the other end has gone
                break
    os.close(ours)
    return got

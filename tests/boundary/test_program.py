"""`run` starts one program with operands; nothing that a client sends becomes more than that."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from stockade.boundary.program import run
from stockade.core.errors import ConfigError, Rejected
from stockade.core.events import Event


def test_a_value_starts_no_second_program_and_is_no_option(
    tmp_path: Path, events: list[Event]
) -> None:
    (tmp_path / "a b.txt").write_text("2\n1\n")
    made = tmp_path / "made"
    for attack in (f"x; touch {made}", f"$(touch {made})"):
        subprocess.run(f"echo {attack}", shell=True, cwd=tmp_path, check=False, capture_output=True)
        assert made.exists()
        made.unlink()
        run("cat", operands=[attack], folder=tmp_path)
        assert not made.exists()
    option = f"--output={made}"
    subprocess.run(["sort", option, "a b.txt"], cwd=tmp_path, check=True)
    assert made.exists()
    made.unlink()
    with pytest.raises(Rejected):
        run("sort", operands=[option, "a b.txt"], folder=tmp_path)
    assert not made.exists()
    assert [(event.name, event.rule) for event in events] == [
        ("input_validation_fail", "boundary.operand")
    ]
    assert run("sort", operands=["a b.txt"], folder=tmp_path) == (0, b"1\n2\n", b"")


def test_the_environment_and_the_input_are_not_the_services(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD", "hidden")
    (tmp_path / "ls").write_text("#!/bin/sh\necho owned\n")
    (tmp_path / "ls").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    shown = run("env", environment={"TZ": "UTC"}).output.decode()
    assert sorted(line.partition("=")[0] for line in shown.split()) == ["LANG", "PATH", "TZ"]
    assert run("ls", folder=tmp_path).output == b"ls\n"
    assert run("cat").output == b""


def test_statuses_and_errors_come_back() -> None:
    done = run("ls", operands=["nowhere"], folder="/")
    assert done.status != 0
    assert b"nowhere" in done.errors


def test_a_program_that_runs_on_is_killed_with_what_it_started(
    tmp_path: Path, events: list[Event]
) -> None:
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        run("sh", "-c", "(sleep 2; touch left) & sleep 60", folder=tmp_path, timeout=0.3)
    assert time.monotonic() - started < 30
    time.sleep(2.3)
    assert not (tmp_path / "left").exists()
    assert [(one.name, one.rule) for one in events] == [
        ("upstream_failed", "boundary.program-time")
    ]


def test_a_program_that_writes_on_is_killed(events: list[Event]) -> None:
    with pytest.raises(OverflowError):
        run("yes", max_output=100_000)
    assert [(one.name, one.rule) for one in events] == [
        ("upstream_failed", "boundary.program-output")
    ]


@pytest.mark.parametrize("command", [(), ("no-such-program",)])
def test_what_cannot_be_run_is_said(command: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError):
        run(*command)


def test_a_program_that_runs_its_operands_gets_none() -> None:
    with pytest.raises(ConfigError):
        run("sh", "-c", operands=["id"])
    with pytest.raises(ConfigError):
        run("env", operands=["id"])

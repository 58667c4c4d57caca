"""`stockade run` on an application that was not touched: the attack works without it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from stockade.watch.audit.reading import entries

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and pipes of POSIX")

APPS = Path(__file__).parent / "apps"
ATTACK = "' UNION SELECT secret FROM item -- "
STOCKADE = [sys.executable, "-m", "stockade", "run"]
SECONDS = 30.0


class Running:
    """A command, its output on disk so that no pipe fills up."""

    def __init__(self, command: list[str], folder: Path, **environ: str) -> None:
        self.errors = folder / "stderr"
        self.output = folder / "stdout"
        with self.errors.open("wb") as errors, self.output.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                stdout=output,
                stderr=errors,
                start_new_session=True,
                env=os.environ | {"PYTHONPATH": str(APPS)} | environ,
            )

    def said(self) -> str:
        return self.errors.read_text()

    def await_text(self, text: str) -> None:
        deadline = time.monotonic() + SECONDS
        while text not in self.said():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise AssertionError(f"never said {text!r}: {self.said()}")
            time.sleep(0.05)

    def group(self) -> list[int]:
        """Every process of the session, the supervisor included."""
        listed = subprocess.run(
            ["ps", "-o", "pid=,stat=", "-s", str(self.process.pid)],
            capture_output=True,
            text=True,
            check=False,
        )
        rows = [line.split() for line in listed.stdout.splitlines()]
        return [int(pid) for pid, state in rows if not state.startswith("Z")]


@contextmanager
def running(command: list[str], folder: Path, **environ: str) -> Iterator[Running]:
    started = Running(command, folder, **environ)
    try:
        yield started
    finally:
        for pid in started.group():
            os.kill(pid, signal.SIGKILL)
        started.process.wait(SECONDS)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def serve(port: int, app: str = "app", *more: str) -> list[str]:
    server = [sys.executable, "-m", "uvicorn", f"weak_shop:{app}", "--port", str(port)]
    return [*server, "--log-level", "info", *more]


def ask(port: int, name: str) -> httpx.Response:
    return httpx.get(f"http://127.0.0.1:{port}/find", params={"name": name}, trust_env=False)


def run(*words: str, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*STOCKADE, *words],
        cwd=folder,
        env=os.environ | environ,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


UP = "Uvicorn running"


@pytest.mark.parametrize("app", ["app", "wrapped", "bare"])
def test_the_attack_works_without_and_fails_with_it(tmp_path: Path, app: str) -> None:
    port = free_port()
    with running(serve(port), tmp_path) as bare:
        bare.await_text(UP)
        assert "the-hidden-price" in ask(port, ATTACK).text

    port = free_port()
    command = [*STOCKADE, "--mode", "block", "--", *serve(port, app)]
    with running(command, tmp_path) as guarded:
        guarded.await_text(UP)
        refused = ask(port, ATTACK)
        assert refused.status_code == 403
        assert "the-hidden-price" not in refused.text
        honest = ask(port, "lamp")
        assert honest.status_code == 200
        assert "lamp" in honest.text
        assert "serves a guarded application" in guarded.said()


def test_observe_is_the_default_and_says_so_and_what_it_saw(tmp_path: Path) -> None:
    port = free_port()
    with running([*STOCKADE, "--", *serve(port)], tmp_path) as observed:
        observed.await_text(UP)
        assert "the-hidden-price" in ask(port, ATTACK).text
        said = observed.said()
    assert "mode observe" in said
    assert "no_new_privileges applied" in said
    assert "NOT confined: files" in said
    logged = b"".join(entries(tmp_path / ".stockade" / "audit"))
    assert b'"malicious_sqli"' in logged
    assert b'"observed"' in logged


def test_a_signal_ends_the_server_and_all_its_workers(tmp_path: Path) -> None:
    port = free_port()
    command = [*STOCKADE, "--mode", "block", "--", *serve(port, "app", "--workers", "2")]
    with running(command, tmp_path) as guarded:
        guarded.await_text("Application startup complete")
        deadline = time.monotonic() + SECONDS
        while guarded.said().count("Application startup complete") < 2:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert ask(port, ATTACK).status_code == 403  # workers are guarded as well
        assert len(guarded.group()) >= 4
        guarded.process.send_signal(signal.SIGTERM)
        assert guarded.process.wait(SECONDS) in (0, 128 + signal.SIGTERM)
        assert guarded.group() == []


def test_what_a_shell_leaves_behind_ends_too(tmp_path: Path) -> None:
    program = "import time; print('up', flush=True); time.sleep(600)"
    shell = ["sh", "-c", f'"{sys.executable}" -c "{program}" & wait']
    with running([*STOCKADE, "--", *shell], tmp_path) as guarded:
        guarded.await_text("is guarded")
        assert len(guarded.group()) == 3
        guarded.process.send_signal(signal.SIGTERM)
        assert guarded.process.wait(SECONDS) == 128 + signal.SIGTERM
        assert guarded.group() == []


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal")
def test_a_killed_supervisor_takes_the_server_along(tmp_path: Path) -> None:
    with running([*STOCKADE, "--", *serve(free_port())], tmp_path) as guarded:
        guarded.await_text(UP)
        guarded.process.kill()
        guarded.process.wait(SECONDS)
        deadline = time.monotonic() + SECONDS
        while guarded.group():
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.mark.parametrize(
    ("program", "code"),
    [
        ("raise SystemExit(0)", 0),
        ("raise SystemExit(7)", 7),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 137),
    ],
)
def test_the_exit_code_is_the_commands(tmp_path: Path, program: str, code: int) -> None:
    done = run("--mode", "block", "--", sys.executable, "-c", program, folder=tmp_path)
    assert done.returncode == code
    assert "NO SERVER IS GUARDED" in done.stderr


@pytest.mark.parametrize("flag", ["-I", "-E", "-S"])
def test_an_interpreter_that_ignores_stockade_is_said_loudly(tmp_path: Path, flag: str) -> None:
    command = ("--", sys.executable, flag, "-c", "raise SystemExit(0)")
    observed = run(*command, folder=tmp_path)
    assert "WARNING: NOT GUARDED" in observed.stderr
    assert observed.returncode == 0
    blocked = run("--mode", "block", *command, folder=tmp_path)
    assert "WARNING: NOT GUARDED" in blocked.stderr
    assert blocked.returncode == 1


def test_one_that_keeps_running_unguarded_is_ended_in_block_mode(tmp_path: Path) -> None:
    done = run("--mode", "block", "--grace", "0.5", "--", "sleep", "600", folder=tmp_path)
    assert "ending it" in done.stderr
    assert done.returncode == 1


def test_a_start_that_fails_is_fatal_in_block_mode_only(tmp_path: Path) -> None:
    # A library that Stockade needs, and that is broken for the command alone.
    (tmp_path / "wrapt.py").write_text("raise RuntimeError('half installed')\n")
    environ = {"PYTHONPATH": str(tmp_path), "STOCKADE_WATCH__LOG": ""}
    command = ("--", sys.executable, "-c", "print('ran')")
    blocked = run("--mode", "block", *command, folder=tmp_path, **environ)
    assert (blocked.returncode, blocked.stdout) == (1, "")
    assert "Stockade could not start" in blocked.stderr
    assert "Traceback" not in blocked.stderr
    observed = run(*command, folder=tmp_path, **environ)
    assert (observed.returncode, observed.stdout) == (0, "ran\n")
    assert "Stockade could not start" in observed.stderr


def test_another_sitecustomize_still_runs(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import builtins; builtins.chained = 'it ran'\n")
    done = run(
        "--",
        sys.executable,
        "-c",
        "import sitecustomize; print(chained, sitecustomize.__file__)",
        folder=tmp_path,
        PYTHONPATH=str(tmp_path),
        STOCKADE_WATCH__LOG="",
    )
    assert done.stdout == f"it ran {tmp_path / 'sitecustomize.py'}\n"
    assert "is guarded" in done.stderr


def test_the_configuration_decides_where_the_command_line_does_not(tmp_path: Path) -> None:
    (tmp_path / "stockade.toml").write_text('[defence]\nmode = "block"\n')
    command = ("--", sys.executable, "-c", "")
    assert "mode block" in run(*command, folder=tmp_path).stderr
    assert "mode observe" in run("--mode", "observe", *command, folder=tmp_path).stderr
    (tmp_path / "other.toml").write_text('[defence]\nmdoe = "block"\n')
    broken = run("--config", "other.toml", *command, folder=tmp_path)
    assert broken.returncode == 2
    assert "other.toml:2: unknown key 'mdoe' in [defence]; did you mean 'mode'?" in broken.stderr


def test_a_command_that_is_not_there(tmp_path: Path) -> None:
    done = run("--", "no-such-server", folder=tmp_path)
    assert done.returncode == 2
    assert "cannot start 'no-such-server'" in done.stderr

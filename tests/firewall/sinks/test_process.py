"""Programs: a file that a command writes decides, with the firewall off and on."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from stockade.core.errors import Blocked
from tests.conftest import Request, Switch


def by_run(command: str) -> None:
    subprocess.run(command, shell=True, capture_output=True, check=False)


def by_system(command: str) -> None:
    os.system(command)


def by_popen(command: str) -> None:
    os.popen(command).close()


def by_list(command: str) -> None:
    subprocess.run(["sh", "-c", command], capture_output=True, check=False)


def by_env(command: str) -> None:
    subprocess.run(["env", "X=1", "bash", "-ec", command], capture_output=True, check=False)


def by_posix_spawn(command: str) -> None:
    os.waitpid(os.posix_spawn("/bin/sh", ["sh", "-c", command], {}), 0)


async def _shell(command: str) -> None:
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_shell(command, stdout=quiet, stderr=quiet)
    await process.wait()


def by_asyncio(command: str) -> None:
    asyncio.run(_shell(command))


def by_uvloop(command: str) -> None:
    uvloop = pytest.importorskip("uvloop")
    uvloop.run(_shell(command))


WAYS = [by_run, by_system, by_popen, by_list, by_env, by_posix_spawn, by_asyncio, by_uvloop]
TEMPLATES = {
    "bare": "true {}",
    "single": "true '{}'",
    "double": 'true "{}"',
    "nested": "sh -c \"true '{}'\"",
}
ESCAPES = {
    "bare": ["; touch {0}", "| touch {0}", "& touch {0}", "$(touch {0})", "`touch {0}`", "\ntouch {0}"],
    "single": ["'; touch {0}; '", "'$(touch {0})'"],
    "double": ["$(touch {0})", "`touch {0}`", '"; touch {0}; "', '"\ntouch {0}\n"'],
    "nested": ["'; touch {0}; '", "$(touch {0})"],
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_each_way_to_start_a_program(
    way: Callable[[str], None], tmp_path: Path, request_of: Request, firewall: Switch
) -> None:
    mark = tmp_path / "mark"
    value = f"x; touch {mark}"
    with firewall("block"), request_of(value):
        with pytest.raises(Blocked):
            way(f"true {value}")
        assert not mark.exists()
        honest = tmp_path / "honest"
        way(f"true {shlex.quote(value)}; touch {honest}")
        assert honest.exists()
    with request_of(value):
        way(f"true {value}")
    assert mark.exists()


@pytest.mark.parametrize(
    ("place", "escape"),
    [(place, escape) for place, escapes in ESCAPES.items() for escape in escapes],
)
def test_each_way_out_of_a_quote(
    place: str, escape: str, tmp_path: Path, request_of: Request, firewall: Switch
) -> None:
    mark = tmp_path / "mark"
    value = escape.format(mark)
    command = TEMPLATES[place].format(value)
    with firewall("block"), request_of(value), pytest.raises(Blocked):
        by_run(command)
    assert not mark.exists()
    by_run(command)
    assert mark.exists()


HONEST = [
    "two words",
    "a;b",
    "50% & more",
    "O'Brien",
    "$HOME",
    "`date`",
    "x | y",
    "ünïcode",
    "line\nbreak",
    "(a)",
]


@pytest.mark.parametrize("value", HONEST)
def test_quoted_and_listed_arguments_take_everything(
    value: str, tmp_path: Path, request_of: Request, firewall: Switch
) -> None:
    out = tmp_path / "out"
    with firewall("block"), request_of(value):
        listed = subprocess.run(["printf", "%s", value], capture_output=True, check=True).stdout
        os.system(f"printf %s {shlex.quote(value)} > {out}")
    assert listed.decode() == value == out.read_text()


@pytest.mark.parametrize(
    "value", ["file-1.txt", "a/b_c.d", "user@host:1", "2026-11-23", "100%", "x,y"]
)
def test_ordinary_bare_words_pass(
    value: str, tmp_path: Path, request_of: Request, firewall: Switch
) -> None:
    with firewall("block"), request_of(value):
        done = subprocess.run(f"echo {value}", shell=True, capture_output=True, check=True)
    assert done.stdout.decode().strip() == value


LISTS = {
    "-o pipefail": ["bash", "-o", "pipefail", "-c", "SCRIPT"],
    "-euo pipefail": ["bash", "-euo", "pipefail", "-c", "SCRIPT"],
    "--rcfile": ["bash", "--rcfile", "/dev/null", "-c", "SCRIPT"],
    "option behind -c": ["bash", "-c", "-e", "SCRIPT"],
    "find": ["find", "/", "-maxdepth", "0", "-exec", "sh", "-c", "SCRIPT", ";"],
    "script": ["script", "-qc", "SCRIPT", "/dev/null"],
    "flock": ["flock", "/", "-c", "SCRIPT"],
    "env": ["env", "-S", "sh -c 'SCRIPT'"],
    "bash in bash": ["bash", "-c", "bash <<< 'SCRIPT'"],
}


def run_list(arguments: list[str], script: str, executable: str | None = None) -> None:
    argv = [argument.replace("SCRIPT", script) for argument in arguments]
    subprocess.run(argv, executable=executable, capture_output=True, check=False)


@pytest.mark.parametrize("name", LISTS)
def test_each_spelling_of_a_script_among_arguments(
    name: str, tmp_path: Path, request_of: Request, firewall: Switch
) -> None:
    arguments = LISTS[name]
    if shutil.which(arguments[0]) is None:
        pytest.skip(f"no {arguments[0]} here")
    mark, honest = tmp_path / "mark", tmp_path / "honest"
    value = f"; touch {mark}"
    with firewall("block"):
        with request_of(value), pytest.raises(Blocked):
            run_list(arguments, f"true {value}")
        with request_of(str(honest)):
            run_list(arguments, f"touch {honest}")
    assert honest.exists()
    assert not mark.exists()
    run_list(arguments, f"true {value}")
    assert mark.exists()


def test_the_program_that_runs_counts_and_not_what_it_is_called(
    tmp_path: Path, request_of: Request, firewall: Switch
) -> None:
    mark = tmp_path / "mark"
    value = f"; touch {mark}"
    with firewall("block"), request_of(value):
        with pytest.raises(Blocked):
            run_list(["printf", "-c", "SCRIPT"], f"true {value}", "/bin/sh")
        listed = subprocess.run(
            ["sh", "%s", value], executable="/usr/bin/printf", capture_output=True, check=True
        )
    assert listed.stdout.decode() == value
    assert not mark.exists()
    run_list(["printf", "-c", "SCRIPT"], f"true {value}", "/bin/sh")
    assert mark.exists()


BASH = ["bash", "-c", "SCRIPT"]
HANDED_ON = {
    "here-document": ("sh <<X\ntrue {}\nX\n", "; touch {}"),
    "here-string": ("bash -c \"bash <<< 'true {}'\"", "; touch {}"),
    "pipe": ("echo 'true {}' | sh", "; touch {}"),
    "pipe behind a wrapper": ("echo 'true {}' | env sh -e", "; touch {}"),
    "eval": ("eval \"true '{}'\"", "x'; touch {}; '"),
    "then eval": ("if true; then eval \"true '{}'\"; fi", "x'; touch {}; '"),
    "command eval": ("command eval \"true '{}'\"", "x'; touch {}; '"),
    "trap": ("trap \"true '{}'\" EXIT", "x'; touch {}; '"),
    "backticks": ("echo `echo '{}'`", "x`; touch {}; `"),
    "here-document in which commands run": ("cat <<X\n$(true {})\nX\n", "; touch {}"),
    "test": ("[[ '{}' -eq 1 ]]", "a[$(touch {})]"),
}


@pytest.mark.parametrize("name", HANDED_ON)
def test_what_one_shell_hands_to_another(
    name: str, tmp_path: Path, request_of: Request, firewall: Switch
) -> None:
    if shutil.which("bash") is None:
        pytest.skip("no bash here")
    template, escape = HANDED_ON[name]
    mark = tmp_path / "mark"
    value = escape.replace("{}", str(mark))
    command = template.replace("{}", value)
    with firewall("block"):
        with request_of(value), pytest.raises(Blocked):
            run_list(BASH, command)
        with request_of("plain-1.txt"):
            run_list(BASH, template.replace("{}", "plain-1.txt"))
    assert not mark.exists()
    run_list(BASH, command)
    assert mark.exists()


TOGETHER = {
    "separator": ("true {} {} {}", (";", "touch")),
    "line break": ("true {} {} {}", ("\n", "touch")),
    "redirection": ("echo hi {} {}", (">",)),
    "delimiter": ("cat <<EOF\n{}\n{} {}\nEOF\n", ("EOF", "touch")),
}


@pytest.mark.parametrize("name", TOGETHER)
def test_values_of_one_token_that_act_together(
    name: str, tmp_path: Path, request_of: Request, firewall: Switch
) -> None:
    template, values = TOGETHER[name]
    mark = tmp_path / "mark"
    command = template.format(*values, mark)
    with firewall("block"), request_of(*values, str(mark)):
        with pytest.raises(Blocked):
            by_run(command)
        quoted = template.format(*(shlex.quote(f"_{value}") for value in values), "x")
        by_run(f"cd {tmp_path} && {quoted}")
    assert not mark.exists()
    by_run(command)
    assert mark.exists()

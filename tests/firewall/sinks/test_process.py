"""Programs: a file that a command writes decides, with the firewall off and on."""

from __future__ import annotations

import asyncio
import os
import pty
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from stockade.core.errors import Blocked
from stockade.core.events import Event
from stockade.firewall.engine import Guard
from stockade.firewall.grammars.shell_arguments import ArgumentGrammar
from stockade.firewall.sinks import process
from tests.conftest import Request, Switch

Guarded = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def guarded(firewall: Switch) -> Guarded:
    """`with guarded():` judges scripts, lists of arguments and environments."""

    @contextmanager
    def switch() -> Iterator[None]:
        with firewall("block") as guards:
            arguments = Guard("shell", ArgumentGrammar(), event="malicious_command", key="argument")
            arguments.mode = "block"
            process.install(guards.shell, arguments)
            yield

    return switch


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


def by_spawn(command: str) -> None:
    os.spawnvp(os.P_WAIT, "sh", ["sh", "-c", command])  # noqa: S606 - what is tested


def by_spawn_le(command: str) -> None:
    os.spawnle(os.P_WAIT, "/bin/sh", "sh", "-c", command, {})  # noqa: S606 - what is tested


def by_pty(command: str) -> None:
    pty.spawn(["sh", "-c", command], lambda _: b"", lambda _: b"")


def by_getoutput(command: str) -> None:
    subprocess.getoutput(command)


def by_check_output(command: str) -> None:
    subprocess.check_output(command, shell=True, stderr=subprocess.STDOUT)


def by_input(command: str) -> None:
    subprocess.run(["sh"], input=command.encode(), capture_output=True, check=False)


def by_input_of_a_shell_in_a_shell(command: str) -> None:
    subprocess.run("env sh -e", input=command, shell=True, text=True, check=False)


async def _input(command: str) -> None:
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec("sh", stdin=pipe, stdout=pipe)
    await child.communicate(command.encode())


def by_asyncio_input(command: str) -> None:
    asyncio.run(_input(command))


async def _exec(command: str) -> None:
    child = await asyncio.create_subprocess_exec("nohup", "sh", "-c", command, stdout=-3, stderr=-3)
    await child.wait()


def by_asyncio_exec(command: str) -> None:
    asyncio.run(_exec(command))


async def _shell(command: str) -> None:
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_shell(command, stdout=quiet, stderr=quiet)
    await process.wait()


def by_asyncio(command: str) -> None:
    asyncio.run(_shell(command))


def by_uvloop(command: str) -> None:
    uvloop = pytest.importorskip("uvloop")
    uvloop.run(_shell(command))


WAYS = [
    by_run,
    by_system,
    by_popen,
    by_list,
    by_env,
    by_posix_spawn,
    by_spawn,
    by_spawn_le,
    by_pty,
    by_getoutput,
    by_check_output,
    by_input,
    by_input_of_a_shell_in_a_shell,
    by_asyncio_input,
    by_asyncio_exec,
    by_asyncio,
    by_uvloop,
]
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


OPTIONS = {
    "tar": (
        ["tar", "cf", "out.tar", "VALUE", "--checkpoint=1", "notes"],
        "--checkpoint-action=exec=touch mark",
    ),
    "find": (["find", "VALUE", "-name", "notes"], "-fprint mark"),
    "sort": (["sort", "VALUE", "notes"], "-omark"),
    "git": (["git", "diff", "VALUE", "--no-index", "notes", "other"], "--output=mark"),
    "curl": (["curl", "-s", "VALUE", "file://PATH/notes"], "-omark"),
    "sed": (["sed", "VALUE", "s/a/b/w mark", "notes"], "-n"),
    "rsync": (["rsync", "VALUE", "notes", "127.0.0.1:x"], "-esh script"),
    "cp": (["cp", "VALUE", "notes"], "-tfolder"),
    "shell text": (["sh", "-c", "sort 'VALUE' notes"], "-omark"),
    "behind a wrapper": (["env", "LC_ALL=C", "sort", "VALUE", "notes"], "-omark"),
}


def run_in(folder: Path, arguments: list[str], value: str) -> None:
    argv = [each.replace("VALUE", value).replace("PATH", str(folder)) for each in arguments]
    if argv[0] == "find":  # two arguments of one value
        at = argv.index(value)
        argv[at : at + 1] = shlex.split(value)
    subprocess.run(argv, cwd=folder, capture_output=True, check=False, timeout=20)


@pytest.mark.parametrize("name", OPTIONS)
def test_a_value_that_becomes_an_option(
    name: str, tmp_path: Path, request_of: Request, guarded: Guarded
) -> None:
    arguments, value = OPTIONS[name]
    if shutil.which(arguments[0]) is None:
        pytest.skip(f"no {arguments[0]} here")
    for file in ("notes", "other"):
        (tmp_path / file).write_text(f"a {file}\n")
    (tmp_path / "folder").mkdir()
    (tmp_path / "script").write_text("touch mark")
    mark = tmp_path / ("folder/notes" if name == "cp" else "mark")
    with guarded(), request_of(value), pytest.raises(Blocked, match=r"argument\.option"):
        run_in(tmp_path, arguments, value)
    assert not mark.exists()
    run_in(tmp_path, arguments, value)
    assert mark.exists()


HONEST_LISTS = [
    (["head", "-n", "VALUE", "notes"], "-1", b"one\n"),
    (["grep", "-l", "--", "VALUE", "notes"], "-l", b""),
    (["grep", "-e", "VALUE", "notes"], "-two", b""),
    (["echo", "VALUE"], "-two", b"-two\n"),
    (["printf", "%s", "VALUE"], "--", b"--"),
    (["grep", "--regexp=VALUE", "notes"], "-one", b""),
    (["sh", "-c", "grep -l -- 'VALUE' notes"], "-l", b""),
    (["sh", "-c", 'printf %s "$1"', "_", "VALUE"], "-x", b"-x"),
]


@pytest.mark.parametrize(("arguments", "value", "expected"), HONEST_LISTS)
def test_honest_dashes_pass(
    arguments: list[str],
    value: str,
    expected: bytes,
    tmp_path: Path,
    request_of: Request,
    guarded: Guarded,
) -> None:
    (tmp_path / "notes").write_text("one\ntwo\n")
    argv = [each.replace("VALUE", value) for each in arguments]
    with guarded(), request_of(value):
        done = subprocess.run(argv, cwd=tmp_path, capture_output=True, check=False)
    assert done.stdout == expected
    assert done.returncode in (0, 1)


def test_a_flag_of_the_calling_function_is_its_own(
    tmp_path: Path, request_of: Request, guarded: Guarded
) -> None:
    (tmp_path / "notes").write_text("one\ntwo\n")
    with guarded(), request_of("-c"):
        argv = ["grep", "-c", "two", "notes"]
        assert subprocess.check_output(argv, cwd=tmp_path) == b"1\n"


FLAG = "-delete"


def remove_all(folder: Path) -> None:
    subprocess.run(["find", "nowhere", "-delete"], cwd=folder, capture_output=True, check=False)


def test_a_flag_of_one_function_excuses_no_other(
    tmp_path: Path, request_of: Request, guarded: Guarded
) -> None:
    """What is learned is a whole list; the same flag in another list is judged again."""
    (tmp_path / "notes").write_text("x")
    arguments = ["find", "notes", "VALUE"]
    with guarded(), request_of(FLAG):
        remove_all(tmp_path)
        with pytest.raises(Blocked):
            run_in(tmp_path, arguments, FLAG)
        assert (tmp_path / "notes").exists()
    run_in(tmp_path, arguments, FLAG)
    assert not (tmp_path / "notes").exists()


def compiled(folder: Path) -> Path:
    if shutil.which("gcc") is None:
        pytest.skip("no gcc here")
    source = folder / "x.c"
    source.write_text(
        "#include <stdlib.h>\n#include <fcntl.h>\n"
        '__attribute__((constructor)) void x(void) { open(getenv("MARK"), O_CREAT, 0600); }\n'
    )
    library = folder / "x.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source], check=True)
    return library


def test_a_value_that_the_loader_obeys(
    tmp_path: Path, request_of: Request, guarded: Guarded
) -> None:
    library, mark = str(compiled(tmp_path)), tmp_path / "mark"
    named = "LD_PRELOAD"

    def by_value() -> None:
        subprocess.run(["true"], env={"LD_PRELOAD": library, "MARK": str(mark)}, check=True)

    def by_name() -> None:
        subprocess.run(["true"], env={named: library, "MARK": str(mark)}, check=True)

    def by_env() -> None:
        subprocess.run(["env", f"MARK={mark}", f"LD_PRELOAD={library}", "true"], check=True)

    def by_posix() -> None:
        variables = {"LD_PRELOAD": library, "MARK": str(mark)}
        os.waitpid(os.posix_spawn("/bin/true", ["true"], variables), 0)

    def by_os_spawn() -> None:
        variables = {"LD_PRELOAD": library, "MARK": str(mark)}
        os.spawnve(os.P_WAIT, "/bin/true", ["true"], variables)  # noqa: S606 - what is tested

    def by_shell() -> None:
        subprocess.run(f"MARK={mark} LD_PRELOAD={library} /bin/true", shell=True, check=True)

    for way in (by_value, by_name, by_env, by_posix, by_os_spawn, by_shell):
        with guarded(), request_of(named if way is by_name else library):
            if way is by_name:  # a name that the calling code holds is the developer's own
                way()
                mark.unlink()
                continue
            with pytest.raises(Blocked, match=r"argument\.environment"):
                way()
            assert not mark.exists()
        way()
        assert mark.exists()
        mark.unlink()


def test_a_name_that_a_value_chose(tmp_path: Path, request_of: Request, guarded: Guarded) -> None:
    mark, script = tmp_path / "mark", tmp_path / "script"
    script.write_text(f"touch {mark}\n")
    name = "_".join(("BASH", "ENV"))

    def run() -> None:
        subprocess.run(["bash", "-c", "true"], env={**os.environ, name: str(script)}, check=True)

    with guarded(), request_of(name):
        with pytest.raises(Blocked, match=r"argument\.environment"):
            run()
        honest = {**os.environ, "LANG": "C", "GREETING": name}
        subprocess.run(["bash", "-c", "true"], env=honest, check=True)
    assert not mark.exists()
    run()
    assert mark.exists()


def test_a_variable_of_this_process(
    tmp_path: Path, request_of: Request, guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark, script = tmp_path / "mark", tmp_path / "script"
    script.write_text(f"touch {mark}\n")
    monkeypatch.setenv("BASH_ENV", "")
    with guarded(), request_of(str(script)):
        with pytest.raises(Blocked, match=r"argument\.environment"):
            os.environ["BASH_ENV"] = str(script)
        with pytest.raises(Blocked, match=r"argument\.environment"):
            os.putenv("PATH", f"{script}:{os.environ['PATH']}")
        os.environ["GREETING"] = str(script)
        del os.environ["GREETING"]
    subprocess.run(["bash", "-c", "true"], check=True)
    assert not mark.exists()
    os.environ["BASH_ENV"] = str(script)
    subprocess.run(["bash", "-c", "true"], check=True)
    assert mark.exists()


@pytest.mark.parametrize(
    ("program", "script"),
    [
        ([sys.executable, "-c"], "open({!r}, 'w')"),
        (["perl", "-e"], "open(F, '>', {!r})"),
        (["node", "-e"], "require('fs').writeFileSync({!r}, '')"),
        (["awk"], 'BEGIN {{ system("touch " "{}") }}'),
        (["sed", "-n"], "w {}"),
    ],
)
def test_a_value_that_is_a_whole_program(
    program: list[str], script: str, tmp_path: Path, request_of: Request, guarded: Guarded
) -> None:
    if shutil.which(program[0]) is None:
        pytest.skip(f"no {program[0]} here")
    mark = tmp_path / "mark"
    value = script.format(str(mark))

    def run() -> None:
        argv = [*program, value, "/etc/passwd"]
        subprocess.run(argv, capture_output=True, check=False, stdin=subprocess.DEVNULL)

    with guarded(), request_of(value), pytest.raises(Blocked, match=r"argument\.script"):
        run()
    assert not mark.exists()
    run()
    assert mark.exists()


def test_a_refused_child_of_the_applications_own_fork_ends(
    tmp_path: Path, request_of: Request, firewall: Switch
) -> None:
    """Unguarded it runs the command; guarded no second copy of this process goes on."""
    mark, copy = tmp_path / "mark", tmp_path / "copy"
    value = f"; touch {mark}"

    def run() -> int:
        child, terminal = pty.fork()
        if not child:
            try:
                os.execvp("sh", ["sh", "-c", f"true {value}"])  # noqa: S606 - what is tested
            except Exception:
                copy.touch()  # an application that goes on
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        os.close(terminal)
        return os.waitstatus_to_exitcode(status)

    with firewall("block"), request_of(value):
        assert run() == 126
    assert not mark.exists()
    assert not copy.exists()
    assert run() == 0
    assert mark.exists()


def test_spawned_programs_are_judged_once(
    request_of: Request, firewall: Switch, events: list[Event], tmp_path: Path
) -> None:
    value = f"; touch {tmp_path / 'mark'}"
    with firewall("observe"), request_of(value):
        by_spawn(f"true {value}")
        by_pty(f"true {value}")
    assert (tmp_path / "mark").exists()
    assert [event.rule for event in events] == ["shell.acts", "shell.acts"]


def test_input_for_what_is_no_shell_passes(request_of: Request, guarded: Guarded) -> None:
    value = "; touch mark"
    with guarded(), request_of(value):
        for argv in (["cat"], ["sh", "-c", "cat"]):
            done = subprocess.run(argv, input=value, text=True, capture_output=True, check=True)
            assert done.stdout == value
        done = subprocess.run(["sh"], input="echo ok", text=True, capture_output=True, check=True)
    assert done.stdout == "ok\n"

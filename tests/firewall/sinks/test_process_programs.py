"""Programs in other languages, operands that act, scripts that evaluate: a file decides."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from stockade.core.errors import Blocked
from stockade.firewall.engine import Guard
from stockade.firewall.grammars.shell_arguments import ArgumentGrammar
from stockade.firewall.sinks import process
from tests.conftest import Request, Switch
from tests.firewall.sinks.statements import absent

Guarded = Callable[[], AbstractContextManager[None]]
TOUCH = " ".join(("touch", "mark"))
"""Not as a constant: a text that is one is the developer's own."""
EVIL = "evil"
"""A file with `touch mark` in it, as an upload would leave it."""


@pytest.fixture
def guarded(firewall: Switch) -> Guarded:
    @contextmanager
    def switch() -> Iterator[None]:
        with firewall("block") as guards:
            arguments = Guard("argument", ArgumentGrammar(), event="malicious_command")
            arguments.mode = "block"
            process.install(guards.shell, arguments)
            yield

    return switch


def run(folder: Path, argv: list[str], values: tuple[str, ...], **variables: str) -> str:
    """Run `argv` with `{0}`, `{1}` replaced by the values."""
    if shutil.which(argv[0]) is None:
        absent(argv[0], "it is not on the path")
    for number, value in enumerate(values):
        argv = [each.replace(f"{{{number}}}", value) for each in argv]
        variables = {n: v.replace(f"{{{number}}}", value) for n, v in variables.items()}
    environment = {"PATH": "/usr/bin:/bin", **variables} if variables else None
    done = subprocess.run(
        argv, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=20
    )
    return done.stdout


def prepare(folder: Path) -> None:
    (folder / "notes").write_text("one\ntwo;2\nit's a=b\n")
    (folder / EVIL).write_text("touch mark\n")
    (folder / "Makefile").write_text("all:\n\t@echo $(NAME)\n")


PROGRAMS = {
    "python, single quotes": (["python3", "-c", "print('{0}')"], "'+open('mark','w').name+'"),
    "python, double quotes": (["python3", "-c", 'print("{0}")'], '");open("mark","w");("'),
    "python, bare": (["python3", "-c", "print({0})"], "open('mark', 'w')"),
    "python, f-string": (["python3", "-c", "print(f'{0}')"], '{open("mark","w")}'),
    "python, behind options": (["python3", "-Ic", "x = '{0}'"], "';open('mark','w')#"),
    "python, a literal that is run": (
        ["python3", "-c", "import os; os.system('echo {0}')"], "; touch mark"),
    "perl, single quotes": (["perl", "-e", "print '{0}'"], "'.`touch mark`.'"),
    "perl, double quotes": (["perl", "-e", 'print "{0}"'], "@{[`touch mark`]}"),
    "perl, pattern": (["perl", "-ne", "print if /{0}/", "notes"], "(?{ system 'touch mark' })/;#"),
    "ruby": (["ruby", "-e", 'puts "{0}"'], "#{`touch mark`}"),
    "node": (["node", "-e", "console.log('{0}')"], "'+require('fs').writeFileSync('mark','')+'"),
    "node, template": (["node", "-e", "console.log(`{0}`)"], "${require('fs').writeFileSync('mark','')}"),
    "php": (["php", "-r", "echo '{0}';"], "'.touch('mark').'"),
    "lua": (["lua", "-e", "print('{0}')"], "'..os.execute('touch mark')..'"),
    "awk, string": (["awk", 'BEGIN { print "{0}" }'], '"; system("touch mark"); print "'),
    "awk, pattern": (["awk", "/{0}/ { print }", "notes"], 'one/ { system("touch mark") } /x'),
    "awk, a literal that is run": (["awk", 'BEGIN { system("echo {0}") }'], ";touch mark"),
    "awk, a literal that is piped": (["awk", 'BEGIN { print 1 | "cat {0}" }'], ";touch mark"),
    "sed, replacement": (["sed", "s/one/{0}/", "notes"], "x/;w mark\n#"),
    "sed, pattern": (["sed", "-n", "/{0}/p", "notes"], "one/w mark\n#"),
    "sed, address": (["sed", "-n", "{0}p", "notes"], "1w mark\n"),
    "sed, text": (["sed", "1a {0}", "notes"], "x\nw mark"),
    "sed, -e": (["sed", "-n", "-e", "1p", "-e", "s,one,{0},", "notes"], "x,w mark\n#"),
    "sqlite3": (["sqlite3", "x.db", "SELECT '{0}'"], "'; ATTACH 'mark' AS m; CREATE TABLE m.t(a); --"),
    "sqlite3, number": (["sqlite3", "x.db", "SELECT {0}"], "1; ATTACH 'mark' AS m; CREATE TABLE m.t(a)"),
    "behind a wrapper": (["env", "A=1", "awk", 'BEGIN { print "{0}" }'], '"; system("touch mark"); "'),
    "behind find": (
        ["find", "notes", "-exec", "sed", "s/one/{0}/", "{}", ";"], "x/w mark\n#"),
    "in a shell's text": (["sh", "-c", "awk 'BEGIN { print \"{0}\" }'"], '"; system("touch mark"); "'),
    "in a shell's text, behind another": (
        ["sh", "-c", "cd . && sed -n '/{0}/p' notes"], "one/w mark\n#"),
}  # fmt: skip
OPERANDS = {
    "dd of": (["dd", "if=notes", "{0}"], ("of=mark",)),
    "dd of, in two": (["dd", "if=notes", "{0}={1}"], ("of", "mark")),
    "git -c": (["git", "-c", "{0}", "hello"], ("alias.hello=!touch mark",)),
    "git -c, the content": (["git", "-c", "alias.hello={0}", "hello"], ("!touch mark",)),
    "make, a variable": (["make", "{0}"], ("NAME=$(shell touch mark)",)),
    "make, its content": (["make", "NAME={0}"], ("$(shell touch mark)",)),
    "make, in a recipe's shell": (["make", "NAME={0}"], ("x; touch mark",)),
    "make, eval": (["make", "--eval={0}"], ("$(shell touch mark)",)),
    "tar, old style": (["tar", "{0}", "/dev/null", "sh evil", "notes"], ("cfI",)),
    "ssh -o": (["ssh", "-o", "{0}", "127.0.0.1"], ("ProxyCommand=touch mark",)),
    "ssh -o, the content": (["ssh", "-oProxyCommand={0}", "127.0.0.1"], ("touch mark;",)),
    "curl -d": (["curl", "-s", "-d", "{0}", "file:///dev/null", "-o", "mark"], ("@notes",)),
    "vim +": (["vim", "-es", "{0}", "+q"], ("+!touch mark",)),
    "in a shell's text": (["sh", "-c", "dd if=notes '{0}'"], ("of=mark",)),
    "two halves": (["sort", "{0}{1}", "notes"], ("-", "omark")),
    "two halves of a long option": (["sort", "{0}{1}", "notes"], ("--", "output=mark")),
    "two halves in a shell's text": (["sh", "-c", "sort '{0}{1}' notes"], ("-", "omark")),
}
SCRIPTS = {
    "eval of a parameter": ['eval "$1"', "x", "{0}"],
    "eval with text": ['eval "echo $1"', "x", "x;{0}"],
    "eval, quoted within": ["eval \"echo '$1'\"", "x", "';{0};'"],
    "eval of all": ['eval "$@"', "x", "true;", "{0}"],
    "eval of $0": ['eval "$0"', "{0}"],
    "eval behind if": ['if true; then eval "$1"; fi', "x", "{0}"],
    "eval of a variable set before": ['cmd="echo $1"; eval "$cmd"', "x", ";{0}"],
    "eval in a loop": ['for each in "$@"; do eval "$each"; done', "x", "true", "{0}"],
    "eval behind shift": ['shift; eval "$1"', "x", "true", "{0}"],
    "a default": ['eval "${1:-true}"', "x", "{0}"],
    "a shell": ['sh -c "$1"', "x", "{0}"],
    "a shell in a shell": ['sh -c \'eval "$1"\' y "$1"', "x", "{0}"],
    "a pipe": ['echo "$1" | sh', "x", "{0}"],
    "a here-string": ['bash <<< "$1"', "x", "{0}"],
    "a here-document": ["sh <<E\n$1\nE\n", "x", "{0}"],
    "trap": ['trap "$1" EXIT', "x", "{0}"],
    "all as a command": ['exec "$@"', "x", "sh", "-c", "true;{0}"],
    "words as a command": ["$1", "x", "{0}"],
    "a file of commands": ['. "$1"', "x", "./evil"],
    "a file of commands, by source": ['source "$1"', "x", "./evil"],
    "another language": ['awk "$1"', "x", 'BEGIN { system("{0}") }'],
    "another program's text": ["awk 'BEGIN { print \"'\"$1\"'\" }'", "x", '";system("{0}");"'],
    "an option": ['sort "$1" notes', "x", "-omark"],
    "arithmetic": ["echo $(($1))", "x", "a[$({0})]"],
    "arithmetic of a name": ["n=$1; echo $((n + 1))", "x", "a[$({0})]"],
    "a comparison": ["[[ $1 -gt 5 ]]", "x", "a[$({0})]"],
    "let": ['let "x=$1"', "x", "a[$({0})]"],
    "a subscript": ['a=(1 2); echo "${a[$1]}"', "x", "a[$({0})]"],
    "a part of a text": ['t=long; echo "${t:$1}"', "x", "a[$({0})]"],
}


def stopped(
    folder: Path, argv: list[str], values: tuple[str, ...], request_of: Request, on: Guarded,
    **variables: str,
) -> None:  # fmt: skip
    """The attack works bare, and not where it is guarded."""
    prepare(folder)
    mark = folder / "mark"
    with on(), request_of(*values), pytest.raises(Blocked):
        run(folder, argv, values, **variables)
    assert not mark.exists()
    run(folder, argv, values, **variables)
    assert mark.exists() or argv[0] == "curl"


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_value_that_acts_in_a_program(
    name: str, tmp_path: Path, request_of: Request, guarded: Guarded
) -> None:
    argv, value = PROGRAMS[name]
    stopped(tmp_path, argv, (value,), request_of, guarded)


@pytest.mark.parametrize("name", OPERANDS)
def test_a_value_that_acts_as_an_operand(
    name: str, tmp_path: Path, request_of: Request, guarded: Guarded
) -> None:
    argv, values = OPERANDS[name]
    stopped(tmp_path, argv, values, request_of, guarded)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_parameter_that_a_script_evaluates(
    name: str, tmp_path: Path, request_of: Request, guarded: Guarded
) -> None:
    script, *parameters = SCRIPTS[name]
    value = parameters[-1].replace("{0}", TOUCH)
    (tmp_path / EVIL).write_text("")
    (tmp_path / EVIL).chmod(0o755)
    stopped(
        tmp_path, ["bash", "-c", script, *parameters[:-1], "{0}"], (value,), request_of, guarded
    )


VARIABLES = {
    "eval": 'eval "echo $V"',
    "in braces": 'eval "echo ${V:-none}"',
    "handed on": 'x="$V"; y="echo $x"; eval "$y"',
    "a shell": 'sh -c "echo $V"',
}


@pytest.mark.parametrize("name", VARIABLES)
def test_a_variable_that_a_script_evaluates(
    name: str, tmp_path: Path, request_of: Request, guarded: Guarded
) -> None:
    argv = ["sh", "-c", VARIABLES[name]]
    stopped(tmp_path, argv, ("x;touch mark",), request_of, guarded, V="{0}")


def test_a_variable_that_a_wrapper_sets(
    tmp_path: Path, request_of: Request, guarded: Guarded
) -> None:
    argv = ["env", "V={0}", "sh", "-c", 'eval "echo $V"']
    stopped(tmp_path, argv, ("x;touch mark",), request_of, guarded)


HONEST = [
    (["python3", "-c", "import sys; print(sys.argv[1])", "{0}"], "'; import os #", "'; import os #"),
    (["python3", "-c", "print('{0}')"], "50% (off); #1", "50% (off); #1"),
    (["python3", "-c", 'print("""{0}""")'], "it's", "it's"),
    (["python3", "-c", "print({0} + 1)"], "41", "42"),
    (["python3", "-c", "print({0} + 1)"], "-1.5", "-0.5"),
    (["python3", "-c", "import os; print('{0}')"], "a-b, c.txt", "a-b, c.txt"),
    (["perl", "-e", 'print "{0}"'], "it's 50% (a;b)", "it's 50% (a;b)"),
    (["perl", "-e", "print $ARGV[0]", "{0}"], "`date` @{[1]}", "`date` @{[1]}"),
    (["perl", "-pe", "s/one/uno/", "{0}"], "notes", "uno\ntwo;2\nit's a=b"),
    (["awk", "-F", "=", '/{0}/ { print $2 "!" }', "notes"], "it's", "b!"),
    (["awk", "-v", "x={0}", 'BEGIN { print x "; " 1 / 2 }'], '"; system("id")', '"; system("id"); 0.5'),
    (["awk", "-v", "n={0}", "NR==n { print $1 }", "notes"], "2", "two;2"),
    (["awk", 'BEGIN { print "{0}" }'], "a=b; c {d}", "a=b; c {d}"),
    (["sed", "-n", "s/one/{0}/p", "notes"], "50% off; e & w", "50% off; e one w"),
    (["sed", "-n", "s|one|{0}|p", "notes"], "a/b.txt", "a/b.txt"),
    (["sed", "-n", "{0}p", "notes"], "2", "two;2"),
    (["sed", "-n", "{0},3p", "notes"], "3", "it's a=b"),
    (["sed", "-n", "$p", "{0}"], "notes", "it's a=b"),
    (["sed", "2,$d;1a {0}", "notes"], "w mark; it's", "one\nw mark; it's"),
    (["sqlite3", ":memory:", "SELECT '{0}'"], "O''Brien; -- 50%", "O'Brien; -- 50%"),
    (["sqlite3", ":memory:", "SELECT {0} + 1"], "41", "42"),
    (["dd", "if=notes", "status=none", "{0}", "count=3"], "bs=1", "one"),
    (["dd", "if={0}", "status=none", "bs=3", "count=1"], "notes", "one"),
    (["git", "-c", "{0}", "config", "user.name"], "user.name=O'Neill & Sons", "O'Neill & Sons"),
    (["git", "-c", "user.email={0}", "config", "user.email"], "a@b.c", "a@b.c"),
    (["make", "-s", "NAME={0}"], "bob smith-2", "bob smith-2"),
    (["make", "-s", "{0}"], "all", ""),
    (["tar", "cf", "/dev/null", "{0}"], "notes", ""),
    (["tar", "{0}", "/dev/null", "notes"], "cf", ""),
    (["echo", "{0}"], "of=mark", "of=mark"),
    (["echo", "{0}"], "NAME=$(shell date)", "NAME=$(shell date)"),
    (["grep", "{0}", "notes"], "a=b", "it's a=b"),
    (["cat", "{0}"], "a=b.txt", "named"),
    (["printf", "%s", "{0}"], "+!date", "+!date"),
    (["head", "-n", "1", "{0}"], "notes", "one"),
    (["sh", "-c", 'grep -F -- "$1" notes', "x", "{0}"], "it's", "it's a=b"),
    (["sh", "-c", 'printf %s "$1"', "x", "{0}"], "; touch mark `date` $(date)", "; touch mark `date` $(date)"),
    (["bash", "-c", '[[ "$1" -gt 5 ]] && echo many', "x", "{0}"], "7", "many"),
    (["bash", "-c", '[[ "$1" == b* ]] && echo "$1"', "x", "{0}"], "b[$(date)]", "b[$(date)]"),
    (["bash", "-c", "echo $(($1 + 1))", "x", "{0}"], "41", "42"),
    (["sh", "-c", 'eval "echo \\"\\$1\\""', "x", "{0}"], "a; b", "a; b"),
    (["sh", "-c", 'eval "echo \'$1\'"', "x", "{0}"], "a; b", "a; b"),
    (["sh", "-c", 'eval "echo $1"', "x", "{0}"], "notes.txt", "notes.txt"),
    (["sh", "-c", 'for f in "$@"; do echo "$f"; done', "x", "{0}"], "a; b", "a; b"),
    (["sh", "-c", 'exec "$@"', "x", "printf", "%s", "{0}"], "a; `b`", "a; `b`"),
    (["sh", "-c", '. "./$1.conf"; echo "$COLOUR"', "x", "{0}"], "blue", "sky"),
    (["sh", "-c", 'awk -v v="$1" \'BEGIN { print v }\'', "x", "{0}"], '"; x(1)', '"; x(1)'),
    (["sh", "-c", 'name=$1; echo "Dear $name"', "x", "{0}"], "O'Brien & Sons", "Dear O'Brien & Sons"),
    (["sh", "-c", "sed -n 's/one/{0}/p' notes"], "un deux", "un deux"),
]  # fmt: skip


@pytest.mark.parametrize(("argv", "value", "expected"), HONEST)
def test_honest_values_pass(
    argv: list[str],
    value: str,
    expected: str,
    tmp_path: Path,
    request_of: Request,
    guarded: Guarded,
) -> None:
    prepare(tmp_path)
    (tmp_path / "a=b.txt").write_text("named")
    (tmp_path / "blue.conf").write_text("COLOUR=sky\n")
    with guarded(), request_of(value):
        assert run(tmp_path, argv, (value,)).rstrip("\n") == expected


def test_a_dash_and_words_beside_the_developers_own_flags_pass(
    tmp_path: Path, request_of: Request, guarded: Guarded
) -> None:
    prepare(tmp_path)
    with guarded(), request_of("-", "r", "n", "notes"):
        assert run(tmp_path, ["sort", "-r", "{3}"], ("-", "r", "n", "notes"))[:3] == "two"


@pytest.mark.parametrize("value", ["a=b", "status=none", "bs=1"])
def test_honest_variables_pass(
    value: str, tmp_path: Path, request_of: Request, guarded: Guarded
) -> None:
    with guarded(), request_of(value):
        printed = run(
            tmp_path, ["sh", "-c", 'echo "$V"; eval "echo \\"\\$V\\""'], (value,), V="{0}"
        )
    assert printed == f"{value}\n{value}\n"

"""Argument lists and variables: what a value may be, and what it makes of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.core.inputs import InputLimits, Inputs, Source
from stockade.firewall.grammars import Finding, Grammar
from stockade.firewall.grammars.shell import ShellGrammar
from stockade.firewall.grammars.shell_arguments import (
    ArgumentGrammar,
    at_risk,
    joined,
    variable,
)
from stockade.firewall.grammars.shell_programs import awaits_script, scripts_of
from tests.growth import growth


def check(text: str, *values: str, shell: bool = False) -> str | bool:
    inputs = Inputs(InputLimits())
    for value in values:
        inputs.add(Source.QUERY, "q", value)
    grammar: Grammar = ShellGrammar() if shell else ArgumentGrammar()
    prepared = grammar.prepare(inputs)
    found = grammar.check(text, prepared) if prepared else False
    return found.rule if isinstance(found, Finding) else False


OPTIONS = [
    (["tar", "cf", "x.tar", "--checkpoint-action=exec=id"], "--checkpoint-action=exec=id"),
    (["find", "-exec", "id"], "-exec"),
    (["curl", "-o/tmp/x", "http://127.0.0.1"], "-o/tmp/x"),
    (["ls", "-R.txt"], "-R"),
    (["git", "log", "--output=/tmp/x"], " --output=/tmp/x"),
    (["convert", "a.png", "-write", "b"], "a.png -write b"),
    (["sudo", "--", "ls", "-R"], "-R"),
    (["sudo", "-u", "me", "--", "ls", "-R"], "-R"),
    (["env", "X=1", "grep", "-r", "x"], "-r"),
    (["sh", "-i"], "-i"),
    (["grep", "-l", "-f/etc/hosts"], "-f/etc/hosts"),
]
NOT_OPTIONS = [
    (["head", "-n", "-5"], "-5"),
    (["calc", "-1.5"], "-1.5"),
    (["ls", "--", "-R"], "-R"),
    (["grep", "-l", "--", "-l"], "-l"),
    (["sudo", "ls", "--", "-R"], "-R"),
    (["tool", "--name=-R"], "-R"),
    (["tool", "--name=x-y"], "x-y"),
    (["tool", "2026-01-02", "a-b"], "2026-01-02"),
    (["grep", "-e", "-foo", "notes"], "-foo"),
    (["find", ".", "-name", "-foo"], "-foo"),
    (["git", "commit", "-m", "-fix"], "-fix"),
    (["echo", "-foo"], "-foo"),
    (["env", "LC_ALL=C", "printf", "%s", "-foo"], "-foo"),
    (["cat", "-"], "-"),
    (["tool", "-x"], "-"),
    (["/bin/sh", "-c", "true"], "-c"),
    (["sh", "-c", 'cat -- "$1"', "_", "-foo"], "-foo"),
    (["-foo"], "-foo"),
]


@pytest.mark.parametrize(("argv", "value"), OPTIONS)
def test_a_value_that_becomes_an_option(argv: list[str], value: str) -> None:
    assert check(joined(argv), value) == "argument.option"
    assert check(joined(argv), "plain") is False


@pytest.mark.parametrize(("argv", "value"), NOT_OPTIONS)
def test_a_dash_that_is_no_option(argv: list[str], value: str) -> None:
    assert check(joined(argv), value) is False


IN_SHELL = [
    ("ls {}", "-R"),
    ("ls '{}'", "-R"),
    ('cd /srv && ls -l "{}.txt"', "--sort=size"),
    ('sh -c "ls {}"', "-R"),
    ("cat notes | sort {}", "-o/tmp/x"),
    ("if true; then ls {}; fi", "-R"),
]
NOT_IN_SHELL = [
    ("ls -- '{}'", "-R"),
    ("grep -l -- '{}' notes", "-l"),
    ("head -n {}", "-5"),
    ("echo '{}'", "-foo"),
    ("tool --name='{}'", "-R"),
    ("cd /srv; grep -e '{}' notes", "-foo"),
    ("ls a{}", "-R"),
]


@pytest.mark.parametrize(("template", "value"), IN_SHELL)
def test_an_option_in_the_text_of_a_shell(template: str, value: str) -> None:
    assert check(template.format(value), value, shell=True) == "argument.option"


@pytest.mark.parametrize(("template", "value"), NOT_IN_SHELL)
def test_no_option_in_the_text_of_a_shell(template: str, value: str) -> None:
    assert check(template.format(value), value, shell=True) is False


SCRIPTS = [
    (["python3", "-c", "import os; os.system('id')"], "import os; os.system('id')"),
    (["python3.11", "-Ic", "exit"], "exit"),
    (["env", "perl", "-we", "print 1; exit"], "print 1;"),
    (["node", "--eval=x()"], "x()"),
    (["awk", "-F", ":", "BEGIN { x }", "f"], "BEGIN { x }"),
    (["sed", "-n", "1e id", "f"], "1e id"),
    (["find", ".", "-exec", "ruby", "-e", "p 1", ";"], "p 1"),
]
NO_SCRIPTS = [
    (["python3", "-c", "print('hello')"], "print"),
    (["python3", "-c", "import sys; print(sys.argv[1])", "p 1"], "p 1"),
    (["python3", "script.py", "p 1"], "p 1"),
    (["perl", "-ne", "print if /x/", "two words"], "two words"),
    (["awk", "-f", "prog.awk", "two words"], "two words"),
    (["sed", "-n", "s/x/y/p", "two words"], "two words"),
    (["grep", "awk", "two words"], "two words"),
]


@pytest.mark.parametrize(("argv", "value"), SCRIPTS)
def test_a_value_that_begins_a_program(argv: list[str], value: str) -> None:
    assert check(joined(argv), value) == "argument.script"


@pytest.mark.parametrize(("argv", "value"), NO_SCRIPTS)
def test_values_beside_a_program(argv: list[str], value: str) -> None:
    assert check(joined(argv), value) is False


VARIABLES = [
    ("LD_PRELOAD", "/tmp/x.so", "/tmp/x.so"),
    ("PATH", "/srv/../tmp/x:/bin", "../tmp/x"),
    ("PATH", "evil:/bin", "evil"),
    ("BASH_ENV", "$(id)", "$(id)"),
    ("GIT_SSH_COMMAND", "ssh -i x -oProxyCommand=id", "x -oProxyCommand=id"),
    ("GIT_SEQUENCE_EDITOR", "id", "id"),
    ("BASH_FUNC_ls%%", "() { id; }", "() { id; }"),
    ("ANYTHING", "1", "ANYTHING"),
    ("ANYTHING", "1", "ANYTHING=1"),
    ("LD_PRELOAD", "/x", "LD_PRE"),
]
NOT_VARIABLES = [
    ("LANG", "de_DE", "de_DE"),
    ("GIT_AUTHOR_NAME", "O'Neill; & Sons", "O'Neill; & Sons"),
    ("PATH", "/srv/acme/bin:/bin", "acme"),
    ("PYTHONPATH", "/srv/lib", "lib"),
    ("X_two", "1", "two"),
]


@pytest.mark.parametrize(("name", "text", "value"), VARIABLES)
def test_a_value_that_decides_a_variable(name: str, text: str, value: str) -> None:
    assert check(variable(name, text), value) == "argument.environment"


@pytest.mark.parametrize(("name", "text", "value"), NOT_VARIABLES)
def test_a_value_that_is_data_in_a_variable(name: str, text: str, value: str) -> None:
    assert check(variable(name, text), value) is False


def test_a_variable_in_its_parts() -> None:
    assert check(variable("LD_PRELOAD"), "LD_PRELOAD") == "argument.environment"
    assert check(variable("LD_PRELOAD"), "/x.so") is False
    assert check(variable(value="/x.so"), "/x.so") == "argument.environment"
    assert check(variable(value="/srv/x"), "x", "=") is False


def test_variables_before_a_command() -> None:
    assert check(joined(["env", "LD_PRELOAD=/x.so", "ls"]), "/x.so") == "argument.environment"
    assert check(joined(["env", "LANG=/x.so", "ls"]), "/x.so") is False
    rule = "argument.environment"
    assert check("LD_PRELOAD=/x.so ls", "/x.so", shell=True) == rule
    assert check("export PATH='/x':/bin; ls", "/x", shell=True) == rule
    assert check("NAME=/x ls --file=/x", "/x", shell=True) is False


@given(st.lists(st.sampled_from(["-x", "--", "sudo", "sh", "-c", "-5", "a=b", "python", "-", ""])))
def test_any_list_is_judged(argv: list[str]) -> None:
    check(joined(argv), "-x", "python", "a=b", "a; b")
    assert set(at_risk(argv)) <= set(argv)


@pytest.mark.parametrize(
    "argument", ["-x", "--", "sudo", "env", "a=b", "python", "awk", "sh", "ssh"]
)
def test_a_longer_list_takes_time_in_proportion(argument: str) -> None:
    def work(size: int) -> None:
        argv = ["sudo", *[argument] * (size // (len(argument) + 1))]
        check(joined(argv), "-y", "two words", "a", "/x")
        at_risk(argv)
        scripts_of(argv)
        awaits_script(argv)

    assert growth(work, 4_000) < 8

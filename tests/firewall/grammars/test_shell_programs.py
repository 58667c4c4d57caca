"""Each spelling by which a program is handed a script, and argument lists that hold none."""

from __future__ import annotations

import pytest

from stockade.firewall.grammars.shell_programs import awaits_script, scripts_of

SCRIPTS = [
    "sh -c X",
    "/bin/bash -lc X name",
    "env A=1 sudo -u me dash -e -c X",
    "busybox sh -c X",
    "bash -o pipefail -c X",
    "bash -euo pipefail -c X",
    "bash +O extglob -ec X",
    "bash --rcfile f -c X",
    "bash --init-file f --norc -c X",
    "bash -c -e X",
    "bash -c -o pipefail -- X",
    "-bash -c X",
    "sudo -u sh bash -c X",
    "find . -exec sh -c X {} ;",
    "su -c X",
    "su - root -lc X",
    "su root --command=X",
    "su root --comm X",
    "runuser -u me --session-command X",
    "script -qc X /dev/null",
    "script -qcX",
    "flock /tmp/lock -c X",
    "env -S X",
    "env -iSX",
    "env --split-string=X",
    "fish -c X",
    "fish --init-command=X",
    "tcsh -fc X",
    "ssh host X",
    "ssh -p 22 -i key me@host X",
    "sudo ssh host -v X",
    "watch -n 2 X",
]
NONE = [
    "",
    "sh",
    "sh script.sh -c X",
    "bash --rcfile X -i",
    "bash -o X",
    "ls -c X",
    "ssh host",
    "grep su -c X",
    "env X sort",
    "script X",
    "nohup",
]


@pytest.mark.parametrize("line", SCRIPTS)
def test_the_script_is_found_and_nothing_else(line: str) -> None:
    assert [script.text for script in scripts_of(line.split())] == ["X"]


@pytest.mark.parametrize("line", NONE)
def test_a_list_without_a_script(line: str) -> None:
    assert scripts_of(line.split()) == []


def test_in_doubt_every_argument_is_a_script() -> None:
    assert "X" in [script.text for script in scripts_of(["bash", "-oe", "pipefail", "-c", "X"])]
    assert "X" in [script.text for script in scripts_of(["bash", "-norc", "-c", "X"])]


def test_positional_parameters_are_no_scripts() -> None:
    assert [s.text for s in scripts_of(["sh", "-c", 'echo "$1"', "_", "a; b"])] == ['echo "$1"']


def test_scripts_for_other_shells_are_marked() -> None:
    assert [s.foreign for s in scripts_of(["fish", "-c", "X"])] == [True]
    assert [s.foreign for s in scripts_of(["csh", "-c", "X"])] == [True]
    assert [s.foreign for s in scripts_of(["sh", "-c", "X"])] == [False]


@pytest.mark.parametrize(
    "line",
    ["sh", "bash -e", "bash -s a b", "sudo -u me bash", "ssh host", "sh /dev/stdin", "su me"],
)
def test_who_reads_a_script_from_standard_input(line: str) -> None:
    assert awaits_script(line.split())


@pytest.mark.parametrize("line", ["", "grep sh", "sh file", "sh -c X", "ssh host ls", "cat"])
def test_who_does_not(line: str) -> None:
    assert not awaits_script(line.split())

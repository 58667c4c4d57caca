"""What a script makes of its parameters: compared with what a shell really expands."""

from __future__ import annotations

import os
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.firewall.grammars.shell_evaluated import evaluated, variables_of
from tests.growth import growth

SHOW = "printf '%s\\0'"
COMMANDS = [
    '"$1"',
    "$1",
    '"$@"',
    '"a $1 b" "$2"',
    "'$1' \"$1\"",
    '"${1:-x}" "${V}"',
    'x"$V"y',
    "$V",
    '"$3"',
]


@pytest.mark.parametrize("words", COMMANDS)
@pytest.mark.parametrize("value", ["plain", "two words", "; x", "a'b"])
def test_arguments_as_a_shell_makes_them(words: str, value: str) -> None:
    script, variables = f"{SHOW} {words}", {"V": "of the environment"}
    done = subprocess.run(
        ["sh", "-c", script, "zero", value, "second"],
        env={**os.environ, **variables}, capture_output=True, check=True,
    )  # fmt: skip
    found = evaluated(script, ["zero", value, "second"], variables)
    expected = done.stdout.decode().split("\0")[:-1]
    assert [argument for argument in found.commands[0][0][2:] if argument] == [
        argument for argument in expected if argument
    ]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ('eval "echo $1"', ["echo VALUE"]),
        ('x=$1; y="<$x>"; eval "$y"', ["<VALUE>"]),
        ('sh -c "$1"', ["VALUE"]),
        ('sh -c \'eval "$1"\' - "$1"', ["VALUE"]),
        ('echo "$1" | sh', ["VALUE"]),
        ('shift; eval "$0"', ["zero"]),
        ('eval "$V"', ["variable"]),
        ('eval "echo \\$1"', []),
        ('echo "$1"', []),
        ("echo '$1' | sh", []),
        ("eval true", []),
        ('echo "$1"; sh -c "true"', []),
    ],
)
def test_scripts_that_hold_a_value(script: str, expected: list[str]) -> None:
    found = evaluated(script, ["zero", "VALUE"], {"V": "variable"})
    assert list(dict.fromkeys(found.scripts)) == expected


def test_arithmetic_evaluates_subscripts_only() -> None:
    harmful, plain = "a[$(id)]", "a[0]"
    assert evaluated("echo $(($1))", ["sh", harmful]).scripts == [f'"{harmful}"']
    assert evaluated("echo $(($1))", ["sh", plain]).scripts == []
    assert evaluated('[[ "$1" = x ]]', ["sh", harmful]).scripts == []
    assert evaluated('echo "$1"', ["sh", harmful]).scripts == []


def test_variables_are_those_that_the_script_names() -> None:
    environment = {"A": "1", "B": "2"}
    assert variables_of('echo "$A" $((C))', ["env", "C=3", "D=4", "sh"], environment) == {
        "A": "1",
        "C": "3",
    }


@given(st.text("$1@{}V:-'\"`()<>|;=\n #evalsh.", max_size=60), st.text(max_size=5))
def test_any_script_is_read(script: str, value: str) -> None:
    evaluated(script, ["sh", value, "x"], {"V": value})


@pytest.mark.parametrize(
    "piece",
    ['eval "$1";', "sh -c '$1' ", "x=$x$1;", "$1 ", "shift;", 'for a in "$@"; do ', "<<E\n$1\n"],
)
def test_a_longer_script_takes_time_in_proportion(piece: str) -> None:
    def work(size: int) -> None:
        evaluated(piece * size, ["sh", "a b", "c"], {})

    assert growth(work, 100) < 8

"""The shell lexer against the shell itself: what it calls text must reach a program as text."""

from __future__ import annotations

import subprocess

from hypothesis import given, settings
from hypothesis import strategies as st

from stockade.core.inputs import InputLimits, Inputs, Source
from stockade.firewall.grammars.shell import ShellGrammar, script_of
from stockade.firewall.grammars.shell_lexer import lex

PIECES = st.lists(
    st.sampled_from(
        [
            *"abx ;|&<>()$`\\\"'\n\t#~*?{}[]=-!",
            "$(",
            "${",
            "$((",
            "))",
            "<<E\n",
            "\nE\n",
            "&&",
            "||",
            "$'",
        ]
    ),
    max_size=8,
).map("".join)
TEMPLATES = [
    "printf '<%s>' {}",
    "printf '<%s>' '{}'",
    "printf '<%s>' \"{}\"",
    "printf '<%s>' a{}b",
    "printf '<%s>' \"$(printf %s '{}')\"",
]


@given(st.text(max_size=40))
def test_every_character_has_a_region(command: str) -> None:
    assert len(lex(command).regions) == len(command)


@settings(max_examples=150, deadline=None)
@given(PIECES, st.sampled_from(TEMPLATES))
def test_a_value_that_passes_is_exactly_one_argument(value: str, template: str) -> None:
    """The oracle is sh: where the grammar sees no harm, printf gets the value and nothing else."""
    if len(value) < 2:
        return
    inputs = Inputs(InputLimits())
    inputs.add(Source.QUERY, "q", value)
    grammar = ShellGrammar()
    command = template.format(value)
    if not isinstance(grammar.check(command, grammar.prepare(inputs)), bool):
        return
    expected = f"<a{value}b>" if "a{}b" in template else f"<{value}>"
    done = subprocess.run(
        ["/bin/sh", "-c", command], capture_output=True, timeout=5, check=False, cwd="/", env={}
    )
    if "$(printf" in template:  # command substitution takes trailing newlines away
        expected = f"<{value.rstrip(chr(10))}>"
    assert done.stdout.decode() == expected


def test_scripts_of_argument_lists() -> None:
    assert script_of(["sh", "-c", "x"]) == "x"
    assert script_of(["/bin/bash", "-lc", "x", "name"]) == "x"
    assert script_of(["env", "A=1", "sudo", "-u", "me", "dash", "-e", "-c", "x"]) == "x"
    assert script_of(["busybox", "sh", "-c", "x"]) == "x"
    assert script_of(["sh", "script.sh", "-c", "x"]) is None
    assert script_of(["ls", "-c", "x"]) is None
    assert script_of([]) is None

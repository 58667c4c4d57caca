"""A `CommandArg` is an operand to every program, whatever its options are."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.boundary import CommandArg
from tests.boundary.types.conftest import REFUSED, verdict


def test_an_option_works_with_str_and_not_with_command_arg(tmp_path: Path) -> None:
    made, attack = tmp_path / "made", f"--output={tmp_path / 'made'}"
    (tmp_path / "list").write_text("b\na\n")

    def sort(word: str) -> str:
        command = ["sort", word, "list"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        return done.stdout

    sort(attack)
    assert made.exists()
    assert verdict(CommandArg, attack) is REFUSED
    assert sort(verdict(CommandArg, "list")) == "a\na\nb\nb\n"


@pytest.mark.parametrize(
    "value", ["holiday photo.png", "it's", "x;y", "a-b", "10%", "naïve", "report (1).pdf"]
)
def test_honest_words_pass(value: str) -> None:
    assert verdict(CommandArg, value) == value


@pytest.mark.parametrize(
    "value",
    ["", "-rf", "+x", "@file", "/etc/passwd", "of=/x", "LD_PRELOAD=x", "file:x", "ephemeral:/x",
     "a\x00b", "a\nb", "a\x7f", "x" * 256],
)  # fmt: skip
def test_what_acts_is_refused(value: str) -> None:
    assert verdict(CommandArg, value) is REFUSED


@given(st.text(max_size=20))
def test_what_is_taken_is_the_word_itself(value: str) -> None:
    word = verdict(CommandArg, value)
    assert word is REFUSED or (word == value and "\0" not in value and value[0] not in "-+@/")

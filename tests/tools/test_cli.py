from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from stockade import __version__
from stockade.tools.cli.commands import app

REFERENCE = Path(__file__).parents[2] / "docs/reference/command-line.md"


def stockade(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stockade", *words],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environ,
    )


def test_version() -> None:
    assert stockade("version").stdout == f"stockade {__version__}\n"
    assert json.loads(stockade("version", "--json").stdout) == {"version": __version__}


@pytest.mark.parametrize(
    "words",
    [("no-such-command",), ("run",), ("run", "--mode", "bock", "--", "x"), ("version", "x")],
)
def test_wrong_usage_is_exit_code_2_without_a_traceback(words: tuple[str, ...]) -> None:
    done = stockade(*words)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_colours_are_off_where_no_color_says_so() -> None:
    assert "\x1b" not in stockade("--help", NO_COLOR="1", FORCE_COLOR="").stdout


def test_a_missing_extra_is_one_line_that_names_it() -> None:
    program = "import sys; sys.modules['typer'] = None\nfrom stockade.tools.cli import main\nmain()"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert 'pip install "stockade[cli]"' in done.stderr


def test_the_start_of_the_command_line_loads_no_heavy_library() -> None:
    program = (
        "import sys\nimport stockade.tools.cli.commands\n"
        "print([m for m in ('pydantic', 'fastapi', 'starlette', 'cryptography', 'sqlalchemy')"
        " if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_every_command_and_flag_is_in_the_reference_and_nothing_else_is() -> None:
    pieces = REFERENCE.read_text("utf-8").split("\n## `stockade ")[1:]
    documented = {
        piece.partition("`")[0]: {
            line.split("`")[1] for line in piece.splitlines() if line.startswith("| `--")
        }
        for piece in pieces
    }
    known = {
        name: {
            flag
            for parameter in command.params
            for flag in parameter.opts
            if flag.startswith("--") and flag != "--help"
        }
        for name, command in _commands(typer.main.get_command(app))
    }
    assert documented == known


def _commands(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Every command by its name, those of groups too; typer's own click has no public type."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{before}{name} ")
        else:
            yield before + name, command

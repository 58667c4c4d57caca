"""Command lines: what is not declared never reaches the program, and what does is an input."""

from __future__ import annotations

import datetime
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from pydantic import Field

from stockade.boundary import Parameters, Slug, takes_arguments
from stockade.boundary.model import Model
from stockade.core.errors import Blocked
from stockade.core.events import Event
from tests.conftest import Switch

ATTACK = "x' UNION SELECT secret FROM item -- "


class Export(Parameters):
    clinic: Slug
    since: datetime.date | None = None
    tag: list[Slug] = Field(default=[])
    dry_run: bool = False
    note: str = ""


@takes_arguments(Export, program="export")
def export(arguments: Export) -> Export:
    return arguments


def test_arguments_become_what_is_declared() -> None:
    found = export(
        ["--clinic", "north", "--since=2026-01-31", "--tag", "a", "--tag=b", "--dry-run"]
    )
    assert found == Export(
        clinic="north", since=datetime.date(2026, 1, 31), tag=["a", "b"], dry_run=True
    )
    assert export(["--clinic=x", "--dry-run=false", "--note=a=b"]).note == "a=b"


def test_without_arguments_it_takes_the_processs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["export.py", "--clinic", "north"])
    assert export().clinic == "north"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "--clinic: This field is required.\n"),
        (["--clinic", "Canary!"], "--clinic: "),
        (["--clinic", "a", "--clinic", "b"], "--clinic: This may come only once.\n"),
        (["--clinic", "a", "--dry-run", "--dry-run"], "--dry-run: This may come only once.\n"),
        (["--clinic", "a", "--since"], "--since: This option needs a value"),
        (["--clinic", "--dry-run"], "--clinic: This option needs a value"),
        (["--clin", "a"], "This holds an argument that is not declared.\n"),
        (["--clinic", "a", "Canary"], "This holds an argument that is not declared.\n"),
        (["--clinic", "a", "--Canary=1"], "This holds an argument that is not declared.\n"),
        (["-c", "a"], "This holds an argument that is not declared.\n"),
        (["--clinic", "a", "--since", "yesterday"], "--since: Expected a date"),
    ],
)
def test_what_is_not_declared_ends_the_program_and_is_told(
    arguments: list[str], line: str, events: list[Event], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        export(arguments)
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert said.startswith(line)
    assert "Canary" not in said + str(events)
    assert [(event.name, event.resource) for event in events] == [
        ("input_validation_fail", "export")
    ]


@pytest.mark.parametrize("spelled", [["--note", ATTACK], [f"--note={ATTACK}"]])
def test_an_argument_that_works_as_an_injection_bare_is_stopped_at_the_sink(
    spelled: list[str], tmp_path: Path, firewall: Switch, events: list[Event]
) -> None:
    with closing(sqlite3.connect(tmp_path / "shop.db")) as database, database:
        database.execute("CREATE TABLE item (name TEXT, secret TEXT)")
        database.execute("INSERT INTO item VALUES ('lamp', 'the-hidden-price')")

    def look_up(name: str) -> str:
        with closing(sqlite3.connect(tmp_path / "shop.db")) as database:
            query = f"SELECT name FROM item WHERE name = '{name}'"
            return str(database.execute(query).fetchall())

    @takes_arguments(Export)
    def main(arguments: Export) -> str:
        return look_up(arguments.note)

    assert "the-hidden-price" in main(["--clinic", "a", *spelled])
    with firewall("block"):
        with pytest.raises(Blocked):
            main(["--clinic", "a", *spelled])
        assert main(["--clinic", "a", "--note", "lamp"]) == "[('lamp',)]"
    assert [event.name for event in events] == ["malicious_sqli"]


def test_a_program_ends_with_status_two_and_one_line(tmp_path: Path) -> None:
    program = tmp_path / "export.py"
    program.write_text(
        "from stockade.boundary import Parameters, takes_arguments\n"
        "class Export(Parameters):\n    clinic: str\n"
        "@takes_arguments(Export)\n"
        "def main(arguments): print(arguments.clinic)\n"
        "raise SystemExit(main())\n"
    )

    def run(*arguments: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, str(program), *arguments], capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout, done.stderr

    assert run("--clinic", "north") == (0, "north\n", "")
    assert run("--clinic", "a", "--clinic", "b") == (2, "", "--clinic: This may come only once.\n")


def test_a_model_that_is_not_for_text_is_an_error_at_once() -> None:
    class Order(Model):
        count: int

    with pytest.raises(TypeError, match="as Parameters"):
        takes_arguments(Order)  # type: ignore[type-var]

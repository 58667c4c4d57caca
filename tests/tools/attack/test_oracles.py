import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from stockade.tools.attack.model import Evidence
from stockade.tools.attack.oracles import Databases, Files


@pytest.fixture
def databases(tmp_path: Path) -> Iterator[Databases]:
    with closing(sqlite3.connect(tmp_path / "data.bin")) as database, database:
        database.execute("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, password TEXT)")
        database.execute("INSERT INTO users VALUES (1, 'ann', 'x')")
    with closing(Databases(tmp_path)) as found:
        yield found


def change(tmp_path: Path, statement: str) -> None:
    with closing(sqlite3.connect(tmp_path / "data.bin")) as database, database:
        database.execute(statement)


def names(tmp_path: Path) -> list[str]:
    with closing(sqlite3.connect(tmp_path / "data.bin")) as database:
        return [name for (name,) in database.execute("SELECT name FROM users")]


def test_a_row_of_its_own_stands_in_every_table(databases: Databases, tmp_path: Path) -> None:
    assert len(databases.tokens) == 2
    assert set(names(tmp_path)) & set(databases.tokens)
    assert databases.columns == ("password",)


def test_an_honest_change_is_no_exploit_and_is_undone(databases: Databases, tmp_path: Path) -> None:
    before = names(tmp_path)
    change(tmp_path, "INSERT INTO users (name) VALUES ('zoë')")
    assert not databases.tampered()
    assert names(tmp_path) == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE users SET name = (SELECT secret FROM stockade_canary) WHERE id = 1",
        "UPDATE users SET password = 'known'",
        "DELETE FROM users",
        "DROP TABLE stockade_canary",
        "INSERT INTO stockade_canary VALUES ('mine')",
    ],
)
def test_an_attackers_change_is_seen_and_undone(
    databases: Databases, tmp_path: Path, statement: str
) -> None:
    before = names(tmp_path)
    change(tmp_path, statement)
    assert databases.tampered()
    assert not databases.tampered()
    assert names(tmp_path) == before


@pytest.fixture
def files(tmp_path: Path) -> Files:
    (tmp_path / "outside").mkdir()
    (tmp_path / "home").mkdir()
    return Files(tmp_path / "outside", tmp_path / "home")


def test_a_file_counts_only_under_its_mark_and_with_its_content(files: Files) -> None:
    evidence = Evidence((), "stk1", "42")
    (files.home / "other").write_text("42")
    assert not files.changed(evidence)
    (files.home / "stk1").write_text("")
    assert not files.changed(evidence)
    (files.home / "stk1").write_text("42\n")
    assert files.changed(evidence)
    assert not files.changed(evidence)


def test_an_overwritten_or_removed_canary_counts_once(files: Files) -> None:
    evidence = Evidence((), "canary")
    assert not files.changed(evidence)
    (files.outside / "canary.txt").write_text("mine")
    assert files.changed(evidence)
    (files.outside / "canary").unlink()
    assert files.changed(evidence)
    assert not files.changed(evidence)
    assert (files.outside / "canary").read_text() == files.content

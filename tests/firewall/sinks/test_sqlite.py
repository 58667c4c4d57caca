"""SQL through sqlite3: what comes back from the database decides, with the firewall off and on."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from stockade.core.errors import Blocked
from stockade.core.events import Event
from stockade.firewall.sinks import sqlite
from tests.conftest import Request, Switch

SECRET = "correct horse battery staple"


def make(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.executescript(
            "CREATE TABLE users (id INTEGER, name TEXT, password TEXT);"
            f"INSERT INTO users VALUES (1, 'ada', '{SECRET}');"
            "CREATE TABLE notes (owner TEXT, body TEXT); INSERT INTO notes VALUES ('bob', 'hello');"
        )


@pytest.fixture
def database(tmp_path: Path) -> Path:
    make(tmp_path / "test.db")
    return tmp_path / "test.db"


def rows(
    path: Path, run: Callable[[sqlite3.Connection], sqlite3.Cursor]
) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return run(connection).fetchall()
    finally:
        connection.close()


EXPLOITS = [
    pytest.param("SELECT body, 1 FROM notes WHERE owner = '{}'", f"x' UNION {q}", id=name)
    for name, q in {
        "union": "SELECT password, 2 FROM users --",
        "union-open-comment": "SELECT password, 2 FROM users/*",
        "union-upper": "SELECT PASSWORD, 2 FROM USERS WHERE '1'='1",
    }.items()
] + [
    pytest.param(
        "SELECT body, 1 FROM notes WHERE rowid = {}",
        "0 UNION SELECT password,2 FROM users",
        id="number",
    ),
    pytest.param(
        "SELECT password FROM users WHERE name LIKE '%{}%' AND id > 5", "%' OR 1 --", id="like"
    ),
    pytest.param("SELECT password FROM users WHERE id IN ({})", "7) OR (1=1", id="in"),
    pytest.param(
        'SELECT password FROM users WHERE id = 9 OR name = "{}"', 'x" OR "a"="a', id="double-quoted"
    ),
    pytest.param("SELECT password FROM users WHERE name = '{}'", "x'\tOR\t'a'='a", id="tabs"),
    pytest.param(
        "SELECT password FROM users WHERE name = '{}'", "x'/**/OR/**/'a'='a", id="comments"
    ),
]


@pytest.mark.parametrize(("template", "value"), EXPLOITS)
@pytest.mark.parametrize("how", ["connection", "cursor"])
def test_secret_is_stolen_without_and_kept_with_the_firewall(
    template: str, value: str, how: str, database: Path, request_of: Request, firewall: Switch
) -> None:
    def attack(connection: sqlite3.Connection) -> sqlite3.Cursor:
        target = connection if how == "connection" else connection.cursor()
        with request_of(value):
            return target.execute(template.format(value))

    assert any(SECRET in map(str, row) for row in rows(database, attack))
    with firewall("block"), pytest.raises(Blocked):
        rows(database, attack)


@pytest.mark.parametrize("method", ["execute", "executescript"])
def test_a_row_is_written_without_and_not_with_the_firewall(
    method: str, database: Path, request_of: Request, firewall: Switch
) -> None:
    value = "x'); INSERT INTO users VALUES (2, 'eve', 'eve'); --"
    script = method == "executescript"
    value = value if script else "x'), ('eve', 'was here"

    def attack() -> None:
        connection = sqlite3.connect(database)
        with request_of(value), connection:
            getattr(connection, method)(f"INSERT INTO notes VALUES ('bob', '{value}')")
        connection.close()

    def written() -> int:
        return len(
            rows(
                database,
                lambda c: c.execute(
                    "SELECT 1 FROM users WHERE name = 'eve' UNION ALL SELECT 1 FROM notes WHERE owner = 'eve'"
                ),
            )
        )

    with firewall("block"):
        with pytest.raises(Blocked):
            attack()
        assert written() == 0
    attack()
    assert written() == 1


HONEST = [
    "O'Brien", "ada", "select * from the menu", "50% off; today -- really", "a/b /* c", "--", "1",
    "Robert'); DROP TABLE students;--", '"quoted"', "naïve 日本 🙂", "x' OR '1'='1", "", " ", "NULL", "-1.5",
]  # fmt: skip


@pytest.mark.parametrize("value", HONEST)
def test_bound_parameters_take_everything(
    value: str, database: Path, request_of: Request, firewall: Switch
) -> None:
    with firewall("block"), request_of(value):
        found = rows(database, lambda c: c.execute("SELECT ? || body FROM notes", (value,)))
    assert found == [(f"{value}hello",)]


@pytest.mark.parametrize("value", ["O'Brien", "it''s", "a;b", "50%", "two words", "x -- y", "/* z"])
def test_escaped_literals_take_everything(
    value: str, database: Path, request_of: Request, firewall: Switch
) -> None:
    escaped = value.replace("'", "''")
    with firewall("block"), request_of(value):
        assert rows(database, lambda c: c.execute(f"SELECT '{escaped}'")) == [(value,)]


@pytest.mark.parametrize("value", ["name", "id", "users.name", "42", "-7", "1.5"])
def test_one_bare_token_is_no_injection(
    value: str, database: Path, request_of: Request, firewall: Switch
) -> None:
    with firewall("block"), request_of(value):
        rows(database, lambda c: c.execute(f"SELECT 1 FROM users WHERE id = {value}"))


def test_the_developers_own_text_is_no_evidence(
    database: Path, request_of: Request, firewall: Switch
) -> None:
    with firewall("block"), request_of("id, name", "FROM users", "name = ?", "''"):
        rows(
            database,
            lambda c: c.execute("SELECT id, name FROM users WHERE name = ? OR name = ''", ("a",)),
        )


def test_a_text_known_clean_is_no_evidence_later(
    database: Path, request_of: Request, firewall: Switch
) -> None:
    text = " ".join(["SELECT", "id,", "name", "FROM", "users"])  # stands nowhere as a constant
    with firewall("block"):
        with request_of("id, name"), pytest.raises(Blocked):
            rows(database, lambda c: c.execute(text))
        with request_of("something else"):
            rows(database, lambda c: c.execute(text))
        with request_of("id, name"):
            assert rows(database, lambda c: c.execute(text)) == [(1, "ada")]


def test_a_factory_and_an_early_import_are_guarded(
    database: Path, request_of: Request, firewall: Switch, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Mine(sqlite3.Connection):
        pass

    early = ModuleType("early")
    early.connect = sqlite3.connect  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "early", early)
    with firewall("block"):
        for connect in (early.connect, lambda path: sqlite3.connect(path, factory=Mine)):
            connection = connect(database)
            value = "x' OR 1 --"
            with request_of(value), pytest.raises(Blocked):
                connection.execute(f"SELECT 1 FROM users WHERE name = '{value}'")
            connection.close()
    assert early.connect is not sqlite.connect


def test_a_connection_that_came_too_early_is_reported(database: Path, firewall: Switch) -> None:
    from stockade.core.bus import bus

    early = sqlite3.connect(database)
    seen: list[Event] = []
    bus.flush()
    bus.subscribe(seen.extend)
    try:
        with firewall("block"):
            bus.flush()
    finally:
        bus.unsubscribe(seen.extend)
        early.close()
    reports = [event for event in seen if event.name == "sink_unguarded"]
    assert [event.rule for event in reports[:1]] == ["sql.unguarded"]


def test_observe_reports_and_lets_pass(
    database: Path, request_of: Request, firewall: Switch, events: list[Event]
) -> None:
    value = "x' OR 1 --"
    with firewall("observe"), request_of(value):
        found = rows(
            database, lambda c: c.execute(f"SELECT password FROM users WHERE name = '{value}'")
        )
    assert found == [(SECRET,)]
    (event,) = [event for event in events if event.name == "malicious_sqli"]
    assert event.outcome == "observed"
    assert value not in str(event)

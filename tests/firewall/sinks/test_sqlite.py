"""SQL through sqlite3: what comes back from the database decides, with the firewall off and on."""

from __future__ import annotations

import sqlite3
import sys
from abc import ABC
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from stockade.core.errors import Blocked
from stockade.core.events import Event
from stockade.core.inputs import Input, InputLimits, Inputs, Source
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


@pytest.mark.parametrize("value", ["name desc", "id, name", "users.name ASC,id", "1,2"])
def test_a_choice_of_columns_is_no_injection(
    value: str, database: Path, request_of: Request, firewall: Switch
) -> None:
    with firewall("block"), request_of(value):
        rows(database, lambda c: c.execute(f"SELECT 1, 2 FROM users ORDER BY {value}"))


@pytest.mark.parametrize(
    "value", ["name, (SELECT password FROM users)", "id desc, 1 -- ", "1,2) OR (1"]
)
def test_more_than_a_choice_of_columns_is_one(
    value: str, database: Path, request_of: Request, firewall: Switch
) -> None:
    with firewall("block"), request_of(value), pytest.raises(Blocked):
        rows(database, lambda c: c.execute(f"SELECT 1, 2 FROM users ORDER BY {value}"))


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
        with request_of("name FROM users"), pytest.raises(Blocked):
            rows(database, lambda c: c.execute(text))
        for other in ("something else", "and another"):
            with request_of(other):
                rows(database, lambda c: c.execute(text))
        with request_of("name FROM users"):
            assert rows(database, lambda c: c.execute(text)) == [(1, "ada")]


def test_a_value_that_slipped_through_does_not_open_the_door(
    database: Path, request_of: Request, firewall: Switch
) -> None:
    value = "x' UNION SELECT password FROM users--"
    text = f"SELECT body FROM notes WHERE owner = '{value}'"

    def steal(sent: str) -> list[tuple[object, ...]]:
        with request_of(sent):
            return rows(database, lambda c: c.execute(text))

    with firewall("block", sql_fragments="off", sql_shapes="off") as guards:
        for _ in range(9):  # the application cuts the last character: no value stands in the text
            assert (SECRET,) in steal(value + "!")
        with pytest.raises(Blocked):
            steal(value)
        guards.sql["sqlite"].known.learn(text)
        assert (SECRET,) in steal(value)


def test_a_text_that_keeps_coming_is_known_at_once(
    database: Path, request_of: Request, firewall: Switch
) -> None:
    text = " ".join(["SELECT", "id,", "name", "FROM", "users"])
    with firewall("block") as guards:
        for _ in range(2):
            with request_of("Mozilla/5.0 (X11; Linux)", "/users/list"):
                rows(database, lambda c: c.execute(text))
        assert text in guards.sql["sqlite"].known


MARKS = [
    pytest.param("body <> '{0}' AND owner = '{0}'", ("'",), id="one-quote-twice"),
    pytest.param("body IS NOT '%{0}%' AND owner IS '%{0}%'", ("'",), id="affixes"),
    pytest.param("body <> '{0}' AND owner = '{1}'", ("x'", "'y"), id="edges"),
    pytest.param(
        "body='{0}' AND owner='{1}' AND body='{2}' AND owner='{0}'", ("'", "or", "<"), id="words"
    ),
    pytest.param("rowid > 0-{0} AND owner = 'eve'\n", ("-1",), id="minus-minus"),
    pytest.param("rowid > 0-{0} 0 AND owner = 'eve'\n OR 1", ("-",), id="dash"),
    pytest.param("rowid/{0} 1 AND owner = 'eve'", ("*",), id="open-comment"),
]


@pytest.mark.parametrize(("condition", "values"), MARKS)
def test_single_marks_that_turn_code_into_literals(
    condition: str, values: tuple[str, ...], database: Path, request_of: Request, firewall: Switch
) -> None:
    def read(*values: str) -> list[tuple[object, ...]]:
        query = f"SELECT body FROM notes WHERE {condition.format(*values)}"
        with _request(request_of, values):
            return rows(database, lambda c: c.execute(query))

    assert read(*values) == [("hello",)]
    with firewall("block"), pytest.raises(Blocked):
        read(*values)


def _request(request_of: Request, values: tuple[str, ...]) -> AbstractContextManager[object]:
    """A request of exactly these values, single characters included."""
    inputs = Inputs(InputLimits())
    inputs.own = [Input(Source.QUERY, "q", value) for value in values]
    context = request_of()

    @contextmanager
    def running() -> Iterator[None]:
        with context as request:
            request._inputs = inputs
            yield

    return running()


@pytest.mark.parametrize("value", [*"'\"`;-*/\\,()=<%#[]", "''", ", ", "()", "= ?", ">=", "\n"])
def test_marks_and_operators_of_honest_requests(
    value: str, database: Path, request_of: Request, firewall: Switch
) -> None:
    number = len(value)  # a text that is no constant
    query = (
        "SELECT body, '', 'it''s', -1 -- a comment\n"
        f"FROM notes /* another */ WHERE rowid >= {number} - 9 AND owner IN ('bob', 'eve')"
        " AND coalesce(?, 1) = ?"
    )
    with firewall("block"), _request(request_of, (value, "it", "two words")):
        assert len(rows(database, lambda c: c.execute(query, (value, value)))) == 1
        escaped = value.replace("'", "''")
        assert rows(database, lambda c: c.execute(f"SELECT '{escaped}'")) == [(value,)]


FOLDED: list[tuple[str, Callable[[str], str]]] = [
    ("Σ' UNION SELECT password FROM users--", lambda value: f"user{value}"),
    ("x' UNION SELECT password FROM users--ß", str.upper),
    ("x' un\u0131on select password from users--", str.upper),
    ("É' UNION SELECT password FROM users--", lambda value: f"İ' OR owner = '{value}"),
]


@pytest.mark.parametrize(("value", "change"), FOLDED)
def test_case_hides_no_value(
    value: str,
    change: Callable[[str], str],
    database: Path,
    request_of: Request,
    firewall: Switch,
) -> None:
    def read() -> list[tuple[object, ...]]:
        with request_of(value):
            query = f"SELECT body FROM notes WHERE owner = '{change(value)}'"
            return rows(database, lambda c: c.execute(query))

    assert (SECRET,) in read()
    with firewall("block"), pytest.raises(Blocked):
        read()


class EarlyCursor(sqlite3.Cursor):
    def query(self, text: str) -> sqlite3.Cursor:
        return super().execute(text)


class EarlyConnection(sqlite3.Connection):
    def query(self, text: str) -> sqlite3.Cursor:
        return super().execute(text)


def make_cursor(connection: sqlite3.Connection) -> sqlite3.Cursor:
    return sqlite3.Cursor(connection)


def _make_connection(*arguments: Any, **keywords: Any) -> sqlite3.Connection:
    return sqlite3.Connection(*arguments, **keywords)


make_connection: Any = _make_connection  # the stubs admit classes only

WAYS: dict[str, Callable[[Path, str], sqlite3.Cursor]] = {
    "cursor": lambda path, text: sqlite3.Cursor(sqlite3.connect(path)).execute(text),
    "connection": lambda path, text: sqlite3.Connection(path).execute(text),
    "unbound": lambda path, text: sqlite3.Connection.execute(sqlite3.connect(path), text),
    "cursor-subclass": lambda path, text: sqlite3.connect(path).cursor(EarlyCursor).query(text),
    "cursor-factory": lambda path, text: sqlite3.connect(path).cursor(make_cursor).execute(text),
    "connection-subclass": lambda path, text: sqlite3.connect(path, factory=EarlyConnection).query(
        text
    ),
    "connection-factory": lambda path, text: sqlite3.connect(path, factory=make_connection).execute(
        text
    ),
    "positional-factory": lambda path, text: sqlite3.connect(
        path, 5.0, 0, None, True, _CONNECTION
    ).execute(text),
}
_CONNECTION = sqlite3.Connection


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_a_cursor_is_guarded(
    way: str, database: Path, request_of: Request, firewall: Switch
) -> None:
    value = "x' UNION SELECT password FROM users--"

    def read(value: str) -> list[tuple[object, ...]]:
        with request_of(value):
            query = f"SELECT body FROM notes WHERE owner = '{value}'"
            return WAYS[way](database, query).fetchall()

    assert (SECRET,) in read(value)
    with firewall("block"):
        assert read("bob") == [("hello",)]
        with pytest.raises(Blocked):
            read(value)


def test_the_stand_ins_pass_for_the_originals(database: Path, firewall: Switch) -> None:
    held, early = sqlite3.Connection, sqlite3.connect(database)
    with firewall("block"):
        connection = sqlite3.connect(database)
        assert sqlite3.Connection is not held
        assert isinstance(early, sqlite3.Connection)
        assert isinstance(connection, held)
        assert type(connection) is sqlite3.Connection
        assert isinstance(connection.cursor(), sqlite3.Cursor)
        assert not isinstance(early, EarlyConnection)
        assert issubclass(held, sqlite3.Connection)
        assert repr(sqlite3.Connection) == repr(held)

        class Abstract(sqlite3.Connection, ABC):
            pass

        assert Abstract(":memory:").execute("SELECT 1").fetchall() == [(1,)]
        connection.close()
    early.close()
    assert sqlite3.Connection is held
    assert EarlyConnection.__bases__ == (held,)


def test_a_cursor_of_the_original_class_is_reported(database: Path, firewall: Switch) -> None:
    from stockade.core.bus import bus

    held, seen = sqlite3.Cursor, list[Event]()

    def make(connection: sqlite3.Connection) -> sqlite3.Cursor:
        return held(connection)

    with firewall("block"):
        bus.flush()
        bus.subscribe(seen.extend)
        try:
            sqlite3.connect(database).cursor(make)
            bus.flush()
        finally:
            bus.unsubscribe(seen.extend)
    assert [event.rule for event in seen if event.name == "sink_unguarded"] == ["sql.unguarded"]


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

"""A call site's query of a new shape: refused where a value of the request made it, else told."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator

import pytest

from stockade.core.bus import bus
from stockade.core.errors import Blocked
from stockade.core.events import Event
from stockade.firewall.grammars.sql_scanner import MYSQL, POSTGRESQL, SQLITE, Dialect
from stockade.firewall.grammars.sql_shape import difference, shape_of
from stockade.firewall.learned_shapes import BARE_NAME, SHAPE
from tests.conftest import Request, Switch

SECRET = "swordfish"


def database() -> sqlite3.Connection:
    """A connection that the firewall of the moment guards."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(
        "CREATE TABLE users (id INTEGER, password TEXT); CREATE TABLE notes (id INTEGER, body);"
        f"INSERT INTO users VALUES (1, '{SECRET}'); INSERT INTO notes VALUES (1, 'tea');"
    )
    return connection


def note(connection: sqlite3.Connection, id: str) -> list[tuple[object, ...]]:
    return connection.execute("SELECT body FROM notes WHERE id = " + id).fetchall()


CHANGES = [
    pytest.param("0-union-select-password-from-users", lambda v: v.replace("-", " "), id="hyphens"),
    pytest.param("0_union_select_password_from_users", lambda v: v.replace("_", " "), id="names"),
    pytest.param("0.union.select.password.from.users", lambda v: v.replace(".", " "), id="dots"),
    pytest.param("0/union/select/password/from/users", lambda v: v.replace("/", "\n"), id="slashes"),
    pytest.param("users from password select union 0", lambda v: " ".join(v.split()[::-1]), id="words"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "change"), CHANGES)
def test_a_value_that_made_a_new_shape_is_refused(
    request_of: Request, firewall: Switch, value: str, change: Callable[[str], str]
) -> None:
    def serve(sent: str) -> list[tuple[object, ...]]:
        with request_of(sent):
            return note(connection, change(sent))

    with firewall("block", sql_shapes="off"):
        connection = database()
        assert serve("1") == [("tea",)]
        assert serve(value) == [(SECRET,)]
    with firewall("block"):
        connection = database()
        assert serve("1") == [("tea",)]  # from here on the site has a shape
        with pytest.raises(Blocked) as refused:
            serve(value)
        assert refused.value.rule == SHAPE


@pytest.fixture
def telemetry() -> Iterator[list[Event]]:
    seen: list[Event] = []
    bus.subscribe(seen.extend)
    yield seen
    bus.unsubscribe(seen.extend)


def find(
    connection: sqlite3.Connection, conditions: list[str], values: list[object]
) -> list[tuple[object, ...]]:
    text = "SELECT body FROM notes" + (" WHERE " if conditions else "") + " AND ".join(conditions)
    return connection.execute(text, values).fetchall()


def test_honest_filters_are_told_once_and_pass(
    request_of: Request, firewall: Switch, telemetry: list[Event]
) -> None:
    filters: list[tuple[str, str]] = [
        ("id = ?", "1"),
        ("body LIKE ?", "tea and biscuits or select nothing from the users"),
        ("id BETWEEN 1 AND ?", "order by name, and where to drop it"),
        ("body IS NOT ?", "1 union select"),
    ]
    with firewall("block"):
        connection = database()
        for _ in range(3):
            for count in range(len(filters) + 1):
                chosen = filters[:count]
                with request_of(*(value for _, value in chosen)):
                    find(connection, [text for text, _ in chosen], [value for _, value in chosen])
    bus.flush()
    new = [event for event in telemetry if event.name == "sink_shape_new"]
    assert len(new) <= len(filters)
    assert all(event.details["call_site"].split(":")[1] == "find" for event in new)


def test_strict_reports_a_name_in_the_place_of_a_literal(
    request_of: Request, firewall: Switch
) -> None:
    for strict in (False, True):
        with firewall("block", sql_strict=strict):
            connection = database()
            with request_of("1"):
                assert note(connection, "1") == [("tea",)]
            with request_of("2"):
                assert note(connection, "2") == []
            with request_of("id"):
                if not strict:
                    assert note(connection, "id") == [("tea",)]  # every row: a valid token
                else:
                    with pytest.raises(Blocked) as refused:
                        note(connection, "id")
                    assert refused.value.rule == BARE_NAME


@pytest.mark.parametrize(
    ("one", "other", "dialect"),
    [
        ("SELECT a FROM t WHERE b = 'x'", "select  a from t\nwhere b = 'it''s'", SQLITE),
        ("SELECT a FROM t WHERE b IN (1, 2)", "SELECT a FROM t WHERE b IN (1,2,3,4)", POSTGRESQL),
        ("INSERT INTO t VALUES (1, 'a')", "INSERT INTO t VALUES (2, 'b'), (3, 'c')", SQLITE),
        ("SELECT 1.5, $1, E'a\\'b'", "SELECT .5, $2, $$x$$", POSTGRESQL),
        ('SELECT "a" FROM t # x', "SELECT 'b' FROM t -- y", MYSQL),
        ("SELECT %s, %(name)s", "SELECT 'a', ?", MYSQL),
    ],
)
def test_literals_have_one_shape(one: str, other: str, dialect: Dialect) -> None:
    if "E'" in one:
        one = one.replace("E'a\\'b'", "'a'")
    assert shape_of(one, dialect) == shape_of(other, dialect)


@pytest.mark.parametrize(
    ("one", "other", "dialect"),
    [
        ("SELECT a FROM t WHERE b = 'x'", "SELECT a FROM t WHERE b = 'x' OR 1=1", SQLITE),
        ('SELECT "a" FROM t', 'SELECT "b" FROM t', POSTGRESQL),
        ("SELECT a FROM t WHERE b = 'x'", "SELECT a FROM t WHERE b = 'x' --'", SQLITE),
        ("SELECT a FROM t WHERE b = 'x'", "SELECT a FROM t WHERE b = 'x''", SQLITE),
    ],
)
def test_another_structure_is_another_shape(one: str, other: str, dialect: Dialect) -> None:
    assert shape_of(one, dialect) != shape_of(other, dialect)
    new, old = difference(shape_of(other, dialect), shape_of(one, dialect))
    assert new or old

"""SQL through PyMySQL: the rows that the real server gives back decide, in each of its modes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pymysql
import pytest
from pymysql.cursors import Cursor, DictCursor, SSCursor

from stockade.core.errors import Blocked
from tests.conftest import Request, Switch
from tests.firewall.sinks.statements import (
    AWKWARD,
    EXPLOITS,
    MYSQL,
    SECRET,
    SETUP,
    TEMPLATE,
    absent,
)

TABLE = "guarded_pymysql"


class Own(Cursor):  # type: ignore[misc]
    """A cursor of the application's, made before Stockade."""

    def execute(self, query: Any, args: Any = None) -> Any:
        return super().execute(query, args)


def connect(**more: Any) -> Any:
    return pymysql.connect(database="test", autocommit=True, **{**MYSQL, **more})


@pytest.fixture
def connection() -> Iterator[Any]:
    try:
        connection = connect()
    except pymysql.OperationalError as error:
        absent("MariaDB", error)
    with connection.cursor() as cursor:
        for statement in SETUP:
            cursor.execute(statement.format(table=TABLE))
    yield connection
    with connect() as last, last.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {TABLE}")
    connection.close()


def run(connection: Any, query: Any, args: Any = None, kind: Any = None) -> Any:
    with connection.cursor(kind) as cursor:
        cursor.execute(query, args)
        return cursor.fetchall()


def direct(connection: Any, query: Any) -> Any:
    connection.query(query)
    return connection._result.rows


WAYS: dict[str, Callable[[Any, str], Any]] = {
    "cursor": run,
    "bytes": lambda c, q: run(c, q.encode()),
    "dictionary": lambda c, q: run(c, q, None, DictCursor),
    "unbuffered": lambda c, q: run(c, q, None, SSCursor),
    "subclass": lambda c, q: run(c, q, None, Own),
    "query": direct,
}


@pytest.mark.parametrize("way", WAYS)
def test_secret_is_stolen_without_and_kept_with_the_firewall(
    way: str, connection: Any, request_of: Request, firewall: Switch
) -> None:
    for template in EXPLOITS:
        value = template.format(table=TABLE)
        query = TEMPLATE.format(table=TABLE, value=value)
        with request_of(value):
            assert SECRET in str(WAYS[way](connection, query))
            with firewall("block"), pytest.raises(Blocked):
                WAYS[way](connection, query)


@pytest.mark.parametrize("value", AWKWARD)
def test_honest_values_pass(
    value: str, connection: Any, request_of: Request, firewall: Switch
) -> None:
    with firewall("block"), request_of(value):
        assert run(connection, "SELECT %s", (value,)) == ((value,),)
        assert run(connection, "SELECT %(v)s", {"v": value}) == ((value,),)
        assert run(connection, f"SELECT {connection.escape(value)}") == ((value,),)
        with connection.cursor() as cursor:
            rows = [(2, value, "p"), (3, value, "p")]
            cursor.executemany(f"INSERT INTO {TABLE} VALUES (%s, %s, %s)", rows)
            cursor.executemany(f"UPDATE {TABLE} SET name = %s WHERE id = %s", [(value, 2)] * 2)
        assert run(connection, f"SELECT name FROM {TABLE} WHERE id > 1") == ((value,),) * 2


def test_executemany_and_procedures(connection: Any, request_of: Request, firewall: Switch) -> None:
    value = "x'), (9, 'eve', 'eve') -- "
    insert = f"INSERT INTO {TABLE} (id, name, password) VALUES (%s, 'x', '{value}')"
    run(connection, f"DROP PROCEDURE IF EXISTS {TABLE}_p")
    run(connection, f"CREATE PROCEDURE {TABLE}_p(a TEXT) SELECT a")
    with request_of(value), connection.cursor() as cursor:
        with firewall("block"):
            with pytest.raises(Blocked):
                cursor.executemany(insert, [(8,)])
            cursor.callproc(f"{TABLE}_p", (value,))
            assert cursor.fetchall() == ((value,),)
        assert run(connection, f"SELECT 1 FROM {TABLE} WHERE id = 9") == ()
        cursor.executemany(insert, [(8,)])
        assert run(connection, f"SELECT 1 FROM {TABLE} WHERE id = 9") == ((1,),)
    run(connection, f"DROP PROCEDURE {TABLE}_p")


def quoted(mark: str) -> str:
    return f"SELECT password FROM {TABLE} WHERE name = {mark}{{}}{mark}"


MODES = [
    # How the session comes to its mode, the query, the value, how the application escapes it, and
    # a session of the ordinary mode that reads the same text as harmless.
    pytest.param(
        {"sql_mode": "NO_BACKSLASH_ESCAPES"},
        quoted("'"),
        "x' OR 1=1 -- ",
        lambda v: v.replace("'", "\\'"),
        id="no-backslash-escapes",
    ),
    pytest.param(
        {"sql_mode": "ANSI_QUOTES"},
        f'SELECT password AS "{{}}" FROM {TABLE}',
        'x", (SELECT password) AS y -- ',
        lambda v: v.replace('"', '\\"') + f"\n FROM {TABLE} --  ",
        id="ansi-quotes",
    ),
    pytest.param(
        {"init_command": "SET NAMES gbk"},
        quoted("'"),
        "縗' OR 1=1 -- ",
        lambda v: v.replace("'", "\\'"),
        id="gbk",
    ),
    pytest.param(
        {"charset": "sjis"},
        quoted("'"),
        "\u00a5' OR 1=1 -- ",
        lambda v: v.replace("'", "\\'"),
        id="sjis-yen",
    ),
    pytest.param(
        {"init_command": "SET NAMES big5"},
        quoted("'"),
        "縡' OR 1=1 -- ",
        lambda v: v.replace("'", "\\'"),
        id="big5",
    ),
]


@pytest.mark.parametrize(("how", "query", "value", "escape"), MODES)
def test_modes(
    how: dict[str, str],
    query: str,
    value: str,
    escape: Callable[[str], str],
    connection: Any,
    request_of: Request,
    firewall: Switch,
) -> None:
    text = query.format(escape(value))

    def secret(connection: Any) -> bool:
        try:
            return SECRET in str(run(connection, text))
        except pymysql.MySQLError:
            return False

    with connect(**how) as session, request_of(value):
        assert secret(session)
        with firewall("block"), pytest.raises(Blocked):
            secret(session)
    with connect(**how) as session, firewall("block"):
        for honest in ("it's Bob's", 'say "hi"', "back\\slash"):
            with request_of(honest):
                literal = session.escape(honest)
                assert run(session, f"SELECT {literal}") == ((honest,),)
                assert run(session, "SELECT %s", (honest,)) == ((honest,),)
    if "ANSI" not in str(how):
        with request_of(value), firewall("block"):
            assert not secret(connection)


def test_parameters_that_the_driver_escapes_wrongly(
    connection: Any, request_of: Request, firewall: Switch
) -> None:
    value, query = "\u00a5' OR 1=1 -- ", f"SELECT password FROM {TABLE} WHERE name = %s"
    with connect(charset="sjis") as session, request_of(value):
        assert run(session, query, (value,)) == ((SECRET,),)
        with firewall("block"):
            with pytest.raises(Blocked):
                run(session, query, (value,))
            assert run(session, "SELECT %s", ("\u8868' x",)) == (("\u8868' x",),)


def test_a_session_that_cannot_be_asked(
    connection: Any, request_of: Request, firewall: Switch
) -> None:
    text = 'SELECT "{}"'.format('a"b'.replace('"', '\\"'))
    with firewall("block"), request_of('a"b'):
        assert run(connection, text) == (('a"b',),)
    with firewall("block"), connect() as session, request_of('a"b'):
        with session.cursor(SSCursor) as cursor:
            cursor.execute("SELECT 1 UNION SELECT 2")
            with pytest.raises(Blocked):
                session.cursor().execute(text)
        assert run(session, text) == (('a"b',),)

"""SQL through psycopg2: the rows that the real server gives back decide."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import psycopg2
import psycopg2.extensions
import pytest
from psycopg2 import extras, sql
from psycopg2.extensions import QuotedString

from stockade.core.bus import bus
from stockade.core.errors import Blocked
from stockade.core.events import Event
from tests.conftest import Request, Switch
from tests.firewall.sinks.statements import (
    AWKWARD,
    EXPLOITS,
    POSTGRESQL,
    SECRET,
    SETUP,
    TEMPLATE,
    absent,
)

TABLE = "guarded_psycopg2"


class Own(psycopg2.extensions.cursor):  # type: ignore[misc]
    """A cursor of the application's, made before Stockade."""


def connect(**more: Any) -> Any:
    connection = psycopg2.connect(dbname="test", **{**POSTGRESQL, **more})
    connection.autocommit = True
    return connection


def run(connection: Any, query: Any, parameters: Any = None, factory: Any = None) -> Any:
    with connection.cursor(cursor_factory=factory) as cursor:
        cursor.execute(query, parameters)
        return cursor.fetchall()


@pytest.fixture(autouse=True)
def table() -> Iterator[None]:
    try:
        connection = connect()
    except psycopg2.OperationalError as error:
        absent("PostgreSQL", error)
    with connection.cursor() as cursor:
        for statement in SETUP:
            cursor.execute(statement.format(table=TABLE))
        yield
        cursor.execute(f"DROP TABLE IF EXISTS {TABLE}")
    connection.close()


def named(c: Any, q: str) -> Any:
    c.autocommit = False
    with c, c.cursor("named") as cursor:
        cursor.execute(q)
        return cursor.fetchall()


def copied(c: Any, q: str) -> Any:
    output = io.StringIO()
    with c.cursor() as cursor:
        cursor.copy_expert(f"COPY ({q}\n) TO STDOUT", output)
    return output.getvalue()


def batched(c: Any, q: str) -> Any:
    with c.cursor() as cursor:
        extras.execute_batch(cursor, q, [()])
        return cursor.fetchall()


def values_of(c: Any, q: str) -> Any:
    with c.cursor() as cursor:
        return extras.execute_values(cursor, f"VALUES %s; {q}", [(1,)], fetch=True)


WAYS: dict[str, Callable[[Any, str], Any]] = {
    "cursor": run,
    "bytes": lambda c, q: run(c, q.encode()),
    "composed": lambda c, q: run(c, sql.Composed([sql.SQL(q)])),
    "dictionary": lambda c, q: run(c, q, None, extras.DictCursor),
    "real-dictionary": lambda c, q: run(c, q, None, extras.RealDictCursor),
    "named-tuple": lambda c, q: run(c, q, None, extras.NamedTupleCursor),
    "subclass": lambda c, q: run(c, q, None, Own),
    "named": named,
    "copy": copied,
    "batch": batched,
    "values": values_of,
}


@pytest.mark.parametrize("way", WAYS)
def test_secret_is_stolen_without_and_kept_with_the_firewall(
    way: str, request_of: Request, firewall: Switch
) -> None:
    for template in EXPLOITS:
        value = template.format(table=TABLE)
        query = TEMPLATE.format(table=TABLE, value=value)
        with request_of(value):
            assert SECRET in str(WAYS[way](connect(), query))
            with firewall("block"), pytest.raises(Blocked):
                WAYS[way](connect(), query)


def test_a_procedures_name(request_of: Request, firewall: Switch) -> None:
    value = f"now() UNION SELECT now() FROM {TABLE}; DELETE FROM {TABLE} --"

    def call() -> int:
        with connect().cursor() as cursor:
            try:
                cursor.callproc(value)
            except psycopg2.Error:
                pass
        return len(run(connect(), f"SELECT 1 FROM {TABLE}"))

    with request_of(value):
        with firewall("block"), pytest.raises(Blocked):
            call()
        assert call() == 0


def test_honest_values_pass(request_of: Request, firewall: Switch) -> None:
    with firewall("block"):
        connection = connect()
        for value in AWKWARD:
            with request_of(value):
                assert run(connection, "SELECT %s", (value,)) == [(value,)]
                adapted = QuotedString(value)
                adapted.prepare(connection)
                assert run(connection, b"SELECT " + adapted.getquoted()) == [(value,)]
                composed = sql.SQL("SELECT {} AS {}").format(
                    sql.Literal(value), sql.Identifier(value or "x")
                )
                assert run(connection, composed) == [(value,)]
                with connection.cursor() as cursor:
                    insert = f"INSERT INTO {TABLE} VALUES %s"
                    extras.execute_values(cursor, insert, [(2, value, "p"), (3, value, "p")])
                    update = f"UPDATE {TABLE} SET name = %s WHERE id = %s"
                    extras.execute_batch(cursor, update, [(value, 2), (value, 3)])
                    cursor.executemany(update, [(value, 2)])
                    cursor.callproc("lower", (value,))
                    assert cursor.fetchall() == [(value.lower(),)]


def test_backslashes_where_strings_do_not_conform(request_of: Request, firewall: Switch) -> None:
    value = "\\' OR 1=1 -- "
    query = TEMPLATE.format(table=TABLE, value=value.replace("'", "''"))

    def read(mode: str) -> Any:
        return run(connect(options=f"-c standard_conforming_strings={mode}"), query)

    with request_of(value):
        assert read("off") == [(SECRET,)]
        with firewall("block"):
            with pytest.raises(Blocked):
                read("off")
            assert read("on") == []


def test_what_came_before_is_reported(firewall: Switch) -> None:
    seen: list[Event] = []
    early = connect()
    bus.flush()
    bus.subscribe(seen.extend)
    try:
        with firewall("block"):
            bus.flush()
    finally:
        bus.unsubscribe(seen.extend)
        early.close()
    # Earlier tests may have left connections of other drivers open.
    told = [event for event in seen if event.name == "sink_unguarded"]
    [report] = [event for event in told if "psycopg2" in event.reason]
    assert report.details["count"] >= 1


def test_nothing_of_it_stays_when_switched_off(firewall: Switch) -> None:
    before = (psycopg2.extensions.cursor, psycopg2._connect, extras.execute_values)
    with firewall("block"):
        assert psycopg2.extensions.cursor is not before[0]
        assert issubclass(extras.DictCursor, psycopg2.extensions.cursor)
        assert isinstance(connect().cursor(), before[0])
    assert (psycopg2.extensions.cursor, psycopg2._connect, extras.execute_values) == before

"""SQL through psycopg 3: the rows that the real server gives back decide."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from stockade.core.errors import Blocked
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

TABLE = "guarded_psycopg"


def connect(**more: Any) -> psycopg.Connection[Any]:
    return psycopg.connect(dbname="test", autocommit=True, **{**POSTGRESQL, **more})


@pytest.fixture
def connection() -> Iterator[psycopg.Connection[Any]]:
    try:
        connection = connect()
    except psycopg.OperationalError as error:
        absent("PostgreSQL", error)
    for statement in SETUP:
        connection.execute(statement.format(table=TABLE))
    yield connection
    connection.execute(f"DROP TABLE IF EXISTS {TABLE}")
    connection.close()


def client_cursor(c: Any, q: str) -> Any:
    return psycopg.ClientCursor(c).execute(q).fetchall()


def server_cursor(c: Any, q: str) -> Any:
    with c.transaction(), c.cursor("named") as cursor:
        return cursor.execute(q).fetchall()


def copied(c: Any, q: str) -> Any:
    with c.cursor().copy(f"COPY ({q.removesuffix(' -- ')}) TO STDOUT") as copy:
        return [bytes(row).decode() for row in copy]


def pipelined(c: Any, q: str) -> Any:
    with c.pipeline():
        return c.execute(q).fetchall()


WAYS: dict[str, Callable[[Any, str], Any]] = {
    "connection": lambda c, q: c.execute(q).fetchall(),
    "cursor": lambda c, q: c.cursor().execute(q).fetchall(),
    "bytes": lambda c, q: c.execute(q.encode()).fetchall(),
    "composed": lambda c, q: c.execute(sql.Composed([sql.SQL(q)])).fetchall(),
    "client": client_cursor,
    "raw": lambda c, q: psycopg.RawCursor(c).execute(q).fetchall(),
    "server": server_cursor,
    "stream": lambda c, q: list(c.cursor().stream(q)),
    "copy": copied,
    "pipeline": pipelined,
}


@pytest.mark.parametrize("way", WAYS)
def test_secret_is_stolen_without_and_kept_with_the_firewall(
    way: str, connection: psycopg.Connection[Any], request_of: Request, firewall: Switch
) -> None:
    for template in EXPLOITS:
        value = template.format(table=TABLE)
        query = TEMPLATE.format(table=TABLE, value=value)
        if way == "copy" and value.endswith("-- "):
            continue
        with request_of(value):
            assert SECRET in str(WAYS[way](connection, query))
            with firewall("block"), pytest.raises(Blocked):
                WAYS[way](connection, query)


def test_rows_are_changed_only_without(
    connection: psycopg.Connection[Any], request_of: Request, firewall: Switch
) -> None:
    value = "x' OR '1'='1"
    update = f"UPDATE {TABLE} SET password = %s WHERE name = '{value}'"
    with request_of(value):
        with firewall("block"), pytest.raises(Blocked):
            connection.cursor().executemany(update, [("gone",)])
        row = connection.execute(f"SELECT password FROM {TABLE}").fetchone()
        assert row == (SECRET,)
        connection.cursor().executemany(update, [("gone",)])
        row = connection.execute(f"SELECT password FROM {TABLE}").fetchone()
        assert row == ("gone",)


@pytest.mark.parametrize("value", AWKWARD)
def test_honest_values_pass(
    value: str, connection: psycopg.Connection[Any], request_of: Request, firewall: Switch
) -> None:
    with firewall("block"), request_of(value):
        for kind in (psycopg.Cursor, psycopg.ClientCursor):
            row = kind(connection).execute("SELECT %s::text", (value,)).fetchone()
            assert row == (value,)
        escaped = sql.SQL("SELECT {}::text AS {}").format(
            sql.Literal(value), sql.Identifier(value or "x")
        )
        assert connection.execute(escaped).fetchone() == (value,)
        literal = psycopg.sql.quote(value, connection)
        assert connection.execute(f"SELECT {literal}".encode()).fetchone() == (value,)
        with connection.cursor().copy("COPY (SELECT %s::text) TO STDOUT", (value,)) as copy:
            assert len(list(copy)) == 1


def test_asynchronous(
    connection: psycopg.Connection[Any], request_of: Request, firewall: Switch
) -> None:
    value = "x' OR '1'='1"

    async def steal(statement: str, *parameters: str) -> Any:
        client = await psycopg.AsyncConnection.connect(dbname="test", **POSTGRESQL)
        async with client, client.cursor() as cursor:
            await cursor.execute(statement, parameters or None)
            return await cursor.fetchall()

    pasted = TEMPLATE.format(table=TABLE, value=value)
    with request_of(value):
        assert SECRET in str(asyncio.run(steal(pasted)))
        with firewall("block"):
            with pytest.raises(Blocked):
                asyncio.run(steal(pasted))
            bound = f"SELECT password FROM {TABLE} WHERE name = %s"
            assert asyncio.run(steal(bound, value)) == []


def test_backslashes_where_strings_do_not_conform(
    connection: psycopg.Connection[Any], request_of: Request, firewall: Switch
) -> None:
    """Doubling quotes is enough in one mode only; the driver's own escaping is in both."""
    value = "\\' OR 1=1 -- "
    doubled = value.replace("'", "''")
    query = TEMPLATE.format(table=TABLE, value=doubled)
    with request_of(value):
        with firewall("block"):
            assert connection.execute(query).fetchall() == []
        connection.execute("SET standard_conforming_strings = off")
        assert connection.execute(query).fetchall() == [(SECRET,)]
        with firewall("block"):
            with pytest.raises(Blocked):
                connection.execute(query)
            literal = psycopg.sql.quote(value, connection)
            assert connection.execute(f"SELECT {literal}".encode()).fetchone() == (value,)


def test_bytes_in_a_multibyte_encoding(
    connection: psycopg.Connection[Any], request_of: Request, firewall: Switch
) -> None:
    """Python encodes a yen sign as a backslash in Shift JIS (`backslash_quote` permitting)."""
    value = "\u00a5' OR 1=1 -- "
    escaped = value.replace("\\", "\\\\").replace("'", "''")
    query = f"SELECT password FROM {TABLE} WHERE name = E'{escaped}'"
    with request_of(value):
        with firewall("block"):
            assert connection.execute(query).fetchall() == []
        connection.execute("SET client_encoding = 'SJIS'; SET backslash_quote = on")
        assert connection.execute(query).fetchall() == [(SECRET,)]
        with firewall("block"):
            with pytest.raises(Blocked):
                connection.execute(query)
            honest = connection.execute("SELECT %s::text", ("\u8868' x",)).fetchone()
            assert honest == ("\u8868' x",)


def test_outside_a_request_is_counted(
    connection: psycopg.Connection[Any], firewall: Switch
) -> None:
    with firewall("block") as guards:
        connection.execute("SELECT 1 AS outside")
        assert guards.sql["postgresql"].unattributed == 1

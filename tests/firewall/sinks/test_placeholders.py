"""Placeholders inside literals: what the driver makes of them is judged before it leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any

import aiomysql
import psycopg
import psycopg2
import pymysql
import pytest
from psycopg2 import extras, sql
from pymysql.cursors import SSCursor

from stockade.core.errors import Blocked
from tests.conftest import Request, Switch
from tests.firewall.sinks.statements import MYSQL, POSTGRESQL, SECRET, SETUP, absent

TABLE = "guarded_placeholders"
SELECT = f"SELECT password FROM {TABLE} WHERE name = '%s' AND password = %%(p)s"
UPDATE = f"UPDATE {TABLE} SET name = 'taken' WHERE name = '%s' AND password = %%(p)s"
ALL = " OR 1=1 -- "
ROWS = [(1, "ada", SECRET)]
Bound = Mapping[str, object]


def connect(server: str) -> Any:
    if server == "mysql":
        return pymysql.connect(database="test", autocommit=True, **MYSQL)
    return psycopg.connect(
        dbname="test", autocommit=True, cursor_factory=psycopg.ClientCursor, **POSTGRESQL
    )


def stored(server: str) -> Any:
    with closing(connect(server)) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT id, name, password FROM {TABLE} ORDER BY id")
        return list(cursor.fetchall())


@pytest.fixture(autouse=True)
def tables() -> Iterator[None]:
    """The table, on whichever server is there."""
    for server in ("postgresql", "mysql"):
        try:
            with closing(connect(server)) as connection, connection.cursor() as cursor:
                for statement in SETUP:
                    cursor.execute(statement.format(table=TABLE))
        except (psycopg.OperationalError, pymysql.OperationalError) as error:
            absent(server, error)
    yield
    for server in ("postgresql", "mysql"):
        with closing(connect(server)) as connection, connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {TABLE}")


def by_pymysql(query: str, *bound: Bound, many: bool = False, kind: Any = None) -> Any:
    with closing(connect("mysql")) as connection, connection.cursor(kind) as cursor:
        cursor.executemany(query, bound) if many else cursor.execute(query, *bound)
        return cursor.fetchall()


def by_aiomysql(query: str, *bound: Bound, many: bool = False) -> Any:
    async def work() -> Any:
        options: dict[str, Any] = {"db": "test", "autocommit": True, **MYSQL}
        async with await aiomysql.connect(**options) as connection, connection.cursor() as cursor:
            await (cursor.executemany(query, bound) if many else cursor.execute(query, *bound))
            return await cursor.fetchall()

    return asyncio.run(work())


def by_psycopg2(query: Any, *bound: Bound, how: str = "execute") -> Any:
    with closing(psycopg2.connect(dbname="test", **POSTGRESQL)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            if how == "batch":
                extras.execute_batch(cursor, query, bound)
            elif how == "executemany":
                cursor.executemany(query, iter(bound))
            else:
                cursor.execute(query, vars=bound[0])
            return cursor.fetchall() if cursor.description else None


def by_psycopg(query: Any, *bound: Bound, many: bool = False) -> Any:
    with closing(connect("postgresql")) as connection, connection.cursor() as cursor:
        cursor.executemany(query, iter(bound)) if many else cursor.execute(query, *bound)
        return cursor.fetchall() if cursor.description else None


def by_copy(query: str, *bound: Bound) -> Any:
    statement: Any = f"COPY ({query}\n) TO STDOUT"
    with (
        closing(psycopg.connect(dbname="test", **POSTGRESQL)) as connection,
        connection.cursor() as cursor,
        cursor.copy(statement, *bound) as copy,
    ):
        return str([bytes(block) for block in copy])


def by_async_psycopg(query: Any, *bound: Bound) -> Any:
    async def work() -> Any:
        connection = await psycopg.AsyncConnection.connect(dbname="test", **POSTGRESQL)
        async with connection, psycopg.AsyncClientCursor(connection) as cursor:
            await cursor.execute(query, *bound)
            return await cursor.fetchall()

    return asyncio.run(work())


WAYS: dict[str, tuple[Callable[..., Any], str, str, str]] = {
    "PyMySQL": (by_pymysql, SELECT, "%(b)s", ALL),
    "PyMySQL unbuffered": (lambda *a: by_pymysql(*a, kind=SSCursor), SELECT, "%(b)-1s", ALL),
    "PyMySQL many": (lambda *a: by_pymysql(*a, many=True), UPDATE, "%(b)1s", ALL),
    "PyMySQL a lone quote": (by_pymysql, SELECT, "%(p).1s OR id>-1 -- ", "x"),
    "aiomysql": (by_aiomysql, SELECT, "%(b)s", ALL),
    "aiomysql many": (lambda *a: by_aiomysql(*a, many=True), UPDATE, "%(b)s", ALL),
    "psycopg2": (by_psycopg2, SELECT, "%(b)s", ALL),
    "psycopg2 many": (lambda *a: by_psycopg2(*a, how="executemany"), UPDATE, "%(b)s", ALL),
    "psycopg2 batch": (lambda *a: by_psycopg2(*a, how="batch"), UPDATE, "%(b)s", ALL),
    "psycopg": (by_psycopg, SELECT, "%(b)t", ALL),
    "psycopg many": (lambda *a: by_psycopg(*a, many=True), UPDATE, "%(b)s", ALL),
    "psycopg copy": (by_copy, SELECT, "%(b)s", ALL),
    "psycopg asynchronous": (by_async_psycopg, SELECT, "%(b)s", ALL),
}


def is_harmed(way: Callable[..., Any], query: str, bound: Bound) -> bool:
    answer = str(way(query, bound))
    return SECRET in answer or any(stored(server) != ROWS for server in ("postgresql", "mysql"))


@pytest.mark.parametrize("name", WAYS)
def test_a_placeholder_that_a_value_brought(
    name: str, request_of: Request, firewall: Switch
) -> None:
    way, template, value, other = WAYS[name]
    query, bound = template % value, {"b": other, "p": "x"}
    with request_of(value, other), firewall("block"), pytest.raises(Blocked):
        way(query, bound)
    assert stored("mysql") == stored("postgresql") == ROWS
    assert is_harmed(way, query, bound)


@pytest.mark.parametrize("name", WAYS)
def test_one_of_the_developers(name: str, request_of: Request, firewall: Switch) -> None:
    way, template, _, _ = WAYS[name]
    query = template % "%(b)s"
    with firewall("block"):
        for _ in range(3):
            with request_of("5", "50% off", "it's"):
                assert not is_harmed(way, query, {"b": 5, "p": "it's 50%"})
        with request_of(ALL), pytest.raises(Blocked):
            way(query, {"b": ALL, "p": "x"})
    assert is_harmed(way, query, {"b": ALL, "p": "x"})


@pytest.mark.parametrize("name", WAYS)
def test_honest_values_pass(name: str, request_of: Request, firewall: Switch) -> None:
    way, template, _, _ = WAYS[name]
    for value in ("100% sure", "%(b)s", "% of 5%", "it's 5%"):
        query = template % value.replace("%", "%%").replace("'", "''")
        with request_of(value, ALL), firewall("block"):
            for _ in range(3):
                way(query, {"b": ALL, "p": ALL})
    assert stored("mysql") == stored("postgresql") == ROWS


def test_a_literal_that_psycopg2_composed(request_of: Request, firewall: Switch) -> None:
    """What `sql.Literal` quotes is part of the statement, and its placeholders are the driver's."""
    composed = sql.SQL("SELECT password FROM {} WHERE name = {} AND password = %(p)s")
    query = composed.format(sql.Identifier(TABLE), sql.Literal("%(b)s"))
    bound = {"b": ALL, "p": "x"}
    with request_of("%(b)s", ALL), firewall("block"), pytest.raises(Blocked):
        by_psycopg2(query, bound)
    assert SECRET in str(by_psycopg2(query, bound))

"""SQL through aiomysql: the rows that the real server gives back decide."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any

import aiomysql
import pymysql
import pytest

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

TABLE = "guarded_aiomysql"
Work = Callable[[Any], Awaitable[Any]]


def run(work: Work, **more: Any) -> Any:
    async def connected() -> Any:
        options = {"db": "test", "autocommit": True, "charset": "utf8mb4", **MYSQL, **more}
        async with await aiomysql.connect(**options) as connection:
            return await work(connection)

    return asyncio.run(connected())


async def rows(connection: Any, query: Any, args: Any = None, kind: Any = None) -> Any:
    async with connection.cursor(*([kind] if kind else [])) as cursor:
        await cursor.execute(query, args)
        return await cursor.fetchall()


@pytest.fixture(autouse=True)
def table() -> Iterator[None]:
    async def set_up(connection: Any) -> None:
        for statement in SETUP:
            await connection.query(statement.format(table=TABLE))

    try:
        run(set_up)
    except pymysql.OperationalError as error:
        absent("MariaDB", error)
    yield
    run(lambda c: c.query(f"DROP TABLE IF EXISTS {TABLE}"))


async def direct(connection: Any, query: str) -> Any:
    await connection.query(query)
    return connection._result.rows


async def pooled(_: Any, query: str) -> Any:
    pool = await aiomysql.create_pool(db="test", charset="utf8mb4", **MYSQL)
    try:
        async with pool.acquire() as connection:
            return await rows(connection, query)
    finally:
        pool.terminate()
        await pool.wait_closed()


WAYS: dict[str, Callable[[Any, str], Awaitable[Any]]] = {
    "cursor": rows,
    "bytes": lambda c, q: rows(c, q.encode()),
    "dictionary": lambda c, q: rows(c, q, None, aiomysql.DictCursor),
    "unbuffered": lambda c, q: rows(c, q, None, aiomysql.SSCursor),
    "query": direct,
    "pool": pooled,
}


async def in_way(way: str, query: str, connection: Any) -> Any:
    return await WAYS[way](connection, query)


@pytest.mark.parametrize("way", WAYS)
def test_secret_is_stolen_without_and_kept_with_the_firewall(
    way: str, request_of: Request, firewall: Switch
) -> None:
    for template in EXPLOITS:
        value = template.format(table=TABLE)
        query = TEMPLATE.format(table=TABLE, value=value)
        with request_of(value):
            assert SECRET in str(run(partial(in_way, way, query)))
            with firewall("block"), pytest.raises(Blocked):
                run(partial(in_way, way, query))


def test_honest_values_pass(request_of: Request, firewall: Switch) -> None:
    async def all_ways(connection: Any) -> None:
        for value in AWKWARD:
            with request_of(value):
                assert await rows(connection, "SELECT %s", (value,)) == ((value,),)
                literal = connection.escape(value)
                assert await rows(connection, f"SELECT {literal}") == ((value,),)
                async with connection.cursor() as cursor:
                    insert = f"INSERT INTO {TABLE} VALUES (%s, %s, %s)"
                    await cursor.executemany(insert, [(2, value, "p"), (3, value, "p")])
                    update = f"UPDATE {TABLE} SET name = %s WHERE id = %s"
                    await cursor.executemany(update, [(value, 2), (value, 3)])

    with firewall("block"):
        run(all_ways)


def test_procedures(request_of: Request, firewall: Switch) -> None:
    """aiomysql puts a procedure's name into the text as it is."""
    value = "p(); DROP"
    name = f"{TABLE}_p"

    async def call(connection: Any, called: str) -> Any:
        async with connection.cursor() as cursor:
            await cursor.callproc(called, ("it's Bob's",))
            return await cursor.fetchall()

    run(lambda c: c.query(f"DROP PROCEDURE IF EXISTS {name}"))
    run(lambda c: rows(c, f"CREATE PROCEDURE {name}(a TEXT) SELECT a"))
    with firewall("block"):
        with request_of("it's Bob's"):
            assert run(lambda c: call(c, name)) == (("it's Bob's",),)
        with request_of(value), pytest.raises(Blocked):
            run(lambda c: call(c, value))
    run(lambda c: rows(c, f"DROP PROCEDURE {name}"))


MODES = [
    pytest.param("SET sql_mode = 'NO_BACKSLASH_ESCAPES'", "'", "x' OR 1=1 -- ", id="no-backslash"),
    pytest.param("SET NAMES gbk", "'", "縗' OR 1=1 -- ", id="gbk"),
    pytest.param(
        "SET sql_mode = 'ANSI_QUOTES'", '"', 'password", (SELECT 1) AS y -- ', id="ansi-quotes"
    ),
]


@pytest.mark.parametrize(("how", "mark", "value"), MODES)
def test_modes(how: str, mark: str, value: str, request_of: Request, firewall: Switch) -> None:
    escaped = value.replace(mark, "\\" + mark)
    text = (
        f"SELECT password FROM {TABLE} WHERE name = '{escaped}'"
        if mark == "'"
        else f'SELECT password AS "{escaped}\n FROM {TABLE}'
    )

    async def attack(connection: Any) -> Any:
        await rows(connection, how)
        return await rows(connection, text)

    async def honest(connection: Any) -> None:
        await rows(connection, how)
        for harmless in ("it's Bob's", 'say "hi"', "back\\slash"):
            with request_of(harmless):
                literal = connection.escape(harmless)
                assert await rows(connection, f"SELECT {literal}") == ((harmless,),)

    with request_of(value):
        assert SECRET in str(run(attack))
        with firewall("block"), pytest.raises(Blocked):
            run(attack)
    with firewall("block"):
        run(honest)

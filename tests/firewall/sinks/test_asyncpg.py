"""SQL through asyncpg: the rows that the real server gives back decide."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any

import asyncpg
import pytest

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

TABLE = "guarded_asyncpg"


async def with_connection(work: Callable[[Any], Awaitable[Any]], **more: Any) -> Any:
    connection = await asyncpg.connect(database="test", **{**POSTGRESQL, **more})
    try:
        return await work(connection)
    finally:
        await connection.close()


def run(work: Callable[[Any], Awaitable[Any]], **more: Any) -> Any:
    return asyncio.run(with_connection(work, **more))


@pytest.fixture(autouse=True)
def table() -> Iterator[None]:
    async def set_up(connection: Any) -> None:
        for statement in SETUP:
            await connection.execute(statement.format(table=TABLE))

    try:
        run(set_up)
    except OSError as error:
        absent("PostgreSQL", error)
    yield
    run(lambda c: c.execute(f"DROP TABLE IF EXISTS {TABLE}"))


async def prepared(c: Any, q: str) -> Any:
    return await (await c.prepare(q)).fetch()


async def cursor(c: Any, q: str) -> Any:
    async with c.transaction():
        return [row async for row in c.cursor(q)]


async def copied(c: Any, q: str) -> Any:
    output = io.BytesIO()
    await c.copy_from_query(q.removesuffix(" -- "), output=output)
    return output.getvalue()


async def changed(c: Any, q: str) -> Any:
    await c.execute(f"CREATE TEMPORARY TABLE stolen AS {q}")
    return await c.fetch("SELECT * FROM stolen")


async def pooled(c: Any, q: str) -> Any:
    async with asyncpg.create_pool(database="test", **POSTGRESQL, min_size=1) as pool:
        async with pool.acquire() as connection:
            await connection.execute(q)
        return await pool.fetch(q)


WAYS: dict[str, Callable[[Any, str], Awaitable[Any]]] = {
    "fetch": lambda c, q: c.fetch(q),
    "fetchrow": lambda c, q: c.fetchrow(q),
    "fetchval": lambda c, q: c.fetchval(q),
    "execute": changed,
    "prepare": prepared,
    "cursor": cursor,
    "copy": copied,
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
        if way == "copy" and value.endswith("-- "):
            continue
        query = TEMPLATE.format(table=TABLE, value=value)
        with request_of(value):
            assert SECRET in str(run(partial(in_way, way, query)))
            with firewall("block"), pytest.raises(Blocked):
                run(partial(in_way, way, query))


def test_a_statement_that_is_prepared_already(request_of: Request, firewall: Switch) -> None:
    value = "x' OR '1'='1"
    query = TEMPLATE.format(table=TABLE, value=value)

    async def twice(connection: Any) -> None:
        assert await connection.fetch(query)  # outside any request
        with request_of(value), pytest.raises(Blocked):
            await connection.fetch(query)

    with firewall("block"):
        run(twice)


def test_rows_are_changed_only_without(request_of: Request, firewall: Switch) -> None:
    value = "x' OR '1'='1"
    update = f"UPDATE {TABLE} SET password = $1 WHERE name = '{value}'"

    async def change(connection: Any) -> None:
        await connection.executemany(update, [("gone",)])

    async def password(connection: Any) -> Any:
        return await connection.fetchval(f"SELECT password FROM {TABLE}")

    with request_of(value):
        with firewall("block"), pytest.raises(Blocked):
            run(change)
        assert run(password) == SECRET
        run(change)
        assert run(password) == "gone"


def test_honest_values_pass(request_of: Request, firewall: Switch) -> None:
    async def all_ways(connection: Any) -> None:
        for value in AWKWARD:
            with request_of(value):
                assert await connection.fetchval("SELECT $1::text", value) == value
                escaped = await connection.fetchval("SELECT quote_literal($1)", value)
                assert await connection.fetchval(f"SELECT {escaped}") == value
                output = io.BytesIO()
                await connection.copy_from_query("SELECT $1::text", value, output=output)
                await connection.copy_records_to_table(TABLE, records=[(5, value, "p")])
                await connection.execute(f"UPDATE {TABLE} SET name = $1 WHERE id = 5", value)

    async def with_pool(connection: Any) -> None:
        async with asyncpg.create_pool(database="test", **POSTGRESQL, min_size=1) as pool:
            for value in ("RESET ALL", "CLOSE ALL;", "LEFT JOIN", "SELECT 1"):
                with request_of(value):
                    assert await pool.fetchval("SELECT $1::text", value) == value

    with firewall("block"):
        run(all_ways)
        run(with_pool)


def test_backslashes_where_strings_do_not_conform(request_of: Request, firewall: Switch) -> None:
    value = "\\' OR 1=1 -- "
    query = TEMPLATE.format(table=TABLE, value=value.replace("'", "''"))

    def read(mode: str) -> Any:
        settings = {"standard_conforming_strings": mode}
        return run(lambda c: c.fetchval(query), server_settings=settings)

    with request_of(value):
        assert read("off") == SECRET
        with firewall("block"):
            with pytest.raises(Blocked):
                read("off")
            assert read("on") is None


def test_outside_a_request_is_counted(firewall: Switch) -> None:
    with firewall("block") as guards:
        run(lambda c: c.fetchval("SELECT 1 AS outside"))
        assert guards.sql["postgresql"].unattributed == 1

"""SQL through aiosqlite, whose thread works for whoever calls: what comes back decides."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiosqlite
import pytest

from stockade.core import propagation
from stockade.core.errors import Blocked
from tests.conftest import Request, Switch
from tests.firewall.sinks.test_sqlite import SECRET, make

VALUE = "x' UNION SELECT password FROM users--"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    make(tmp_path / "test.db")
    return tmp_path / "test.db"


async def read(connection: aiosqlite.Connection, owner: str) -> list[str]:
    async with connection.execute(f"SELECT body FROM notes WHERE owner = '{owner}'") as cursor:
        return [row[0] for row in await cursor.fetchall()]


def test_a_connection_opened_at_start_up(
    database: Path, request_of: Request, firewall: Switch
) -> None:
    async def attack() -> list[str]:
        async with aiosqlite.connect(database) as connection:
            with request_of(VALUE):
                return await read(connection, VALUE)

    assert SECRET in asyncio.run(attack())
    with firewall("block"), pytest.raises(Blocked):
        asyncio.run(attack())


def test_a_connection_opened_in_a_request_does_not_keep_it(
    database: Path, request_of: Request, firewall: Switch
) -> None:
    async def two_requests() -> list[str]:
        with request_of("FROM notes"):
            connection = await aiosqlite.connect(database)
        try:
            with request_of("bob"):
                honest = await read(connection, "bob")
            with request_of(VALUE), pytest.raises(Blocked):
                await read(connection, VALUE)
            return honest
        finally:
            await connection.close()

    propagation.install()
    try:
        with firewall("block"):
            assert asyncio.run(two_requests()) == ["hello"]
    finally:
        propagation.uninstall()


def test_nothing_of_it_stays_when_switched_off(firewall: Switch) -> None:
    before = aiosqlite.Connection._execute
    with firewall("block"):
        assert aiosqlite.Connection._execute is not before
    assert aiosqlite.Connection._execute is before
    with firewall("block"):
        assert aiosqlite.Connection._execute is not before

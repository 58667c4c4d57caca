"""SQL through SQLAlchemy, synchronous and asynchronous: the rows that come back decide."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, column, create_engine, select, table, text
from sqlalchemy.ext.asyncio import create_async_engine

from stockade.core.errors import Blocked
from tests.conftest import Request, Switch

SECRET = "hunter2-hunter2"
users = table("users", column("name"), column("password"))


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = create_engine(f"sqlite:///{tmp_path}/test.db")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE users (name TEXT, password TEXT)"))
        connection.execute(text("INSERT INTO users VALUES ('ada', :p)"), {"p": SECRET})
    yield engine
    engine.dispose()


def weak(engine: Engine, value: str) -> list[str]:
    with engine.connect() as connection:
        return list(connection.scalars(text(f"SELECT password FROM users WHERE name = '{value}'")))


def strong(engine: Engine, value: str) -> list[str]:
    with engine.connect() as connection:
        return list(connection.scalars(select(users.c.password).where(users.c.name == value)))


def test_text_built_from_input(engine: Engine, request_of: Request, firewall: Switch) -> None:
    value = "x' OR '1'='1"
    with request_of(value):
        assert weak(engine, value) == [SECRET]
        with firewall("block"):
            engine.dispose()
            with pytest.raises(Blocked):
                weak(engine, value)
            assert strong(engine, value) == []


@pytest.mark.parametrize(
    "value", ["ada", "FROM users", "users.password", "SELECT users", "WHERE users.name = ?"]
)
def test_generated_statements_are_the_developers(
    value: str, engine: Engine, request_of: Request, firewall: Switch
) -> None:
    with firewall("block"), request_of(value):
        engine.dispose()
        assert strong(engine, value) == ([SECRET] if value == "ada" else [])


def test_an_asynchronous_engine_whose_thread_knows_no_request(
    tmp_path: Path, engine: Engine, request_of: Request, firewall: Switch
) -> None:
    value = "x' OR '1'='1"

    async def read() -> list[str]:
        asynchronous = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/test.db")
        try:
            async with asynchronous.connect() as connection:
                statement = text(f"SELECT password FROM users WHERE name = '{value}'")
                return list(await connection.scalars(statement))
        finally:
            await asynchronous.dispose()

    with request_of(value):
        assert asyncio.run(read()) == [SECRET]
        with firewall("block"), pytest.raises(Blocked):
            asyncio.run(read())

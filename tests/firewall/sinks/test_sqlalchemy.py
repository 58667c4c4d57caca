"""SQL through SQLAlchemy, synchronous and asynchronous: the rows that come back decide."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    DDL,
    Engine,
    Executable,
    bindparam,
    cast,
    column,
    create_engine,
    select,
    table,
    text,
)
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.sql import quoted_name
from sqlalchemy.types import UserDefinedType

from stockade.core.errors import Blocked
from tests.conftest import Request, Switch
from tests.firewall.sinks.statements import MYSQL, POSTGRESQL, SETUP, absent

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


class Written(UserDefinedType[str]):
    """A type that writes itself into the statement."""

    cache_ok = True

    def __init__(self, text: str) -> None:
        self.text = text

    def get_col_spec(self, **_: object) -> str:
        return self.text


@pytest.mark.parametrize(
    ("value", "statement"),
    [
        pytest.param(
            "(SELECT password FROM users)",
            lambda value: select(column(quoted_name(value, quote=False))).select_from(users),
            id="unquoted-name",
        ),
        pytest.param(
            "TEXT) , (SELECT password FROM users",
            lambda value: select(cast(users.c.name, Written(value))),
            id="written-type",
        ),
        pytest.param(
            "stolen AS SELECT password FROM users",
            lambda value: DDL(f"CREATE TABLE {value}"),  # type: ignore[no-untyped-call]
            id="ddl",
        ),
    ],
)
def test_constructs_that_quote_nothing_are_judged(
    value: str,
    statement: Callable[[str], Executable],
    engine: Engine,
    request_of: Request,
    firewall: Switch,
) -> None:
    def run() -> str:
        with engine.connect() as connection, request_of(value):
            result = connection.execute(statement(value))
            rows = result.all() if result.returns_rows else []
            stolen = (
                connection.execute(text("SELECT * FROM stolen")).all()
                if value.startswith("stolen")
                else []
            )
            connection.rollback()
            return str([*rows, *stolen])

    assert SECRET in run()
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS stolen"))
    with firewall("block"):
        engine.dispose()
        with pytest.raises(Blocked):
            run()


def test_long_generated_statements_reach_the_driver(
    engine: Engine, request_of: Request, firewall: Switch
) -> None:
    value = "?, ?), (?, ? "
    rows = [{"name": value, "password": "p"}] * 3_000
    with firewall("block") as guards, request_of(value):
        engine.dispose()
        with engine.begin() as connection:
            connection.execute(users.insert().values(rows))
            assert len(connection.execute(select(users)).all()) == 3_001
        assert max(map(len, guards.sql["sqlite"].known), default=0) < 16_384


def test_constant_text_that_sqlalchemy_expands(
    engine: Engine, request_of: Request, firewall: Switch
) -> None:
    statement = text("SELECT password FROM users WHERE name IN :names").bindparams(
        bindparam("names", expanding=True)
    )
    with firewall("block"), request_of("SELECT password"):
        engine.dispose()
        with engine.connect() as connection:
            assert connection.scalars(statement, {"names": ["ada", "bob"]}).all() == [SECRET]


DRIVERS = [
    "postgresql+psycopg",
    "postgresql+psycopg2",
    "postgresql+psycopg_async",
    "postgresql+asyncpg",
    "mysql+pymysql",
    "mysql+aiomysql",
]


@pytest.mark.parametrize("driver", DRIVERS)
def test_servers(driver: str, request_of: Request, firewall: Switch) -> None:
    """The driver's own sink judges, and hears from SQLAlchemy what the developer wrote."""
    server = POSTGRESQL if driver.startswith("postgresql") else MYSQL
    url = f"{driver}://{server['user']}@{server['host']}:{server['port']}/test"
    orm = table("guarded_orm", column("id"), column("name"), column("password"))
    value = "x' OR '1'='1"
    constant = text("SELECT password FROM guarded_orm WHERE name = 'ada' AND name <> :v")

    async def each(statements: list[Executable]) -> list[Any]:
        asynchronous = create_async_engine(url)
        try:
            async with asynchronous.begin() as connection:
                results = [await connection.execute(each, {"v": ""}) for each in statements]
                return [result.all() for result in results if result.returns_rows]
        finally:
            await asynchronous.dispose()

    def run(*statements: Executable) -> list[Any]:
        if driver.endswith(("async", "asyncpg", "aiomysql")):
            return asyncio.run(each(list(statements)))
        engine = create_engine(url)
        try:
            with engine.begin() as connection:
                results = [connection.execute(each, {"v": ""}) for each in statements]
                return [result.all() for result in results if result.returns_rows]
        finally:
            engine.dispose()

    try:
        run(*(text(statement.format(table="guarded_orm")) for statement in SETUP[1:]))
    except OperationalError as error:
        absent(driver, error)
    pasted = text(f"SELECT password FROM guarded_orm WHERE name = '{value}'")
    try:
        with request_of(value):
            assert "correct horse" in str(run(pasted))
            with firewall("block"), pytest.raises(Blocked):
                run(pasted)
        with firewall("block"):
            for honest in ("FROM guarded_orm", "SELECT password", "guarded_orm.name ="):
                with request_of(honest):
                    assert run(select(orm.c.password).where(orm.c.name == honest)) == [[]]
                    assert len(run(constant)) == 1
    finally:
        run(text("DROP TABLE guarded_orm"))

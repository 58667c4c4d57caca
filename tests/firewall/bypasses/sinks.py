"""Weak handlers: a line of SQL, a command or a file, put together as such code is."""

from __future__ import annotations

import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import aiosqlite
import asyncpg
import psycopg
import psycopg2
import pymysql
import sqlalchemy

from tests.firewall.bypasses.world import SECRET, World

__all__ = [
    "aio", "alchemy", "apg", "by_id", "by_name", "login", "mariadb", "pg2", "postgresql",
    "read_below", "run", "script", "search", "shell",
]  # fmt: skip

POSTGRESQL = "host=127.0.0.1 user=postgres dbname=test"
TABLE = "CREATE TEMPORARY TABLE accounts (id integer, name varchar(99), password varchar(99))"


def by_name(world: World, name: object) -> str:
    return world.rows(f"SELECT name, password FROM users WHERE role = 'member' AND name = '{name}'")


def by_id(world: World, number: object) -> str:
    return world.rows(f"SELECT name, password FROM users WHERE role = 'member' AND id = {number}")


def login(world: World, name: object, password: object) -> str:
    return world.rows(
        f"SELECT name, password FROM users WHERE name = '{name}' AND password = '{password}'"
    )


def search(world: World, text: object) -> str:
    return world.rows(f"SELECT title, body FROM pages WHERE public = 1 AND title LIKE '%{text}%'")


def shell(world: World, command: str) -> str:
    done = subprocess.run(
        command, shell=True, cwd=world.folder, capture_output=True, text=True, check=False
    )
    return done.stdout


def run(world: World, *command: str, **options: object) -> str:
    done = subprocess.run(  # type: ignore[call-overload]
        command, cwd=world.folder, capture_output=True, text=True, check=False, **options
    )
    return str(done.stdout)


def read_below(world: World, name: str) -> str:
    return Path(f"{world.files}/{name}").read_text()


def alchemy(world: World, query: str, **bound: object) -> str:
    engine = sqlalchemy.create_engine(f"sqlite:///{world.database}")
    try:
        with engine.begin() as connection:
            return str(connection.execute(sqlalchemy.text(query), bound).fetchall())
    finally:
        engine.dispose()


async def aio(world: World, query: str) -> str:
    async with aiosqlite.connect(world.database) as connection:
        return str(await connection.execute_fetchall(query))


def script(world: World, *statements: str) -> str:
    connection = sqlite3.connect(world.database)
    try:
        connection.executescript(";".join(statements))
    finally:
        connection.close()
    return "done"


def _accounts(cursor: Any, query: Any, bound: object, prepare: str) -> str:
    cursor.execute(TABLE)
    cursor.execute("INSERT INTO accounts VALUES (1, 'ada', %s), (2, 'bob', 'hunter')", (SECRET,))
    if prepare:
        cursor.execute(prepare)
    cursor.execute(query, bound)
    return str(cursor.fetchall())


def postgresql(query: str, bound: object = None, prepare: str = "") -> str:
    with psycopg.connect(POSTGRESQL) as connection:
        return _accounts(connection.cursor(), query, bound, prepare)


def pg2(query: str, bound: object = None, prepare: str = "") -> str:
    connection = psycopg2.connect(POSTGRESQL)
    try:
        return _accounts(connection.cursor(), query, bound, prepare)
    finally:
        connection.close()


async def apg(query: str) -> str:
    connection = await asyncpg.connect(host="127.0.0.1", user="postgres", database="test")
    try:
        await connection.execute(TABLE)
        insert = "INSERT INTO accounts VALUES (1, 'ada', $1), (2, 'bob', 'hunter')"
        await connection.execute(insert, SECRET)
        return str(await connection.fetch(query))
    finally:
        await connection.close()


def mariadb(query: Any, bound: object = None, prepare: str = "", **options: Any) -> str:
    connection = pymysql.connect(host="127.0.0.1", user="root", database="test", **options)
    with connection:
        return _accounts(connection.cursor(), query, bound, prepare)

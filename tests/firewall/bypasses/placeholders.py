"""Placeholders: values that a driver or a layer above it takes for its own marks."""

from __future__ import annotations

import aiomysql
import psycopg
import sqlalchemy

from tests.firewall.bypasses.model import Bypass
from tests.firewall.bypasses.sinks import (
    POSTGRESQL,
    TABLE,
    alchemy,
    mariadb,
    pg2,
)
from tests.firewall.bypasses.sources import FORM, JSON, MULTIPART, QUERY
from tests.firewall.bypasses.world import SECRET

PG, MY = "postgresql", "mariadb"
ONE = "SELECT name, password FROM accounts WHERE id = 2 AND"


def engine(address: str, query: str, **bound: object) -> str:
    made = sqlalchemy.create_engine(address)
    try:
        with made.connect() as connection:
            connection.exec_driver_sql(TABLE)
            connection.execute(
                sqlalchemy.text("INSERT INTO accounts VALUES (1, 'ada', :s), (2, 'bob', 'hunter')"),
                {"s": SECRET},
            )
            return str(connection.execute(sqlalchemy.text(query), bound).fetchall())
    finally:
        made.dispose()


def client_side(query: str, bound: dict[str, str]) -> str:
    with psycopg.connect(POSTGRESQL, cursor_factory=psycopg.ClientCursor) as connection:
        cursor = connection.cursor()
        cursor.execute(TABLE)
        cursor.execute(
            "INSERT INTO accounts VALUES (1, 'ada', %s), (2, 'bob', 'hunter')", (SECRET,)
        )
        cursor.execute(query, bound)
        return str(cursor.fetchall())


async def aio_mariadb(query: str, bound: object) -> str:
    connection = await aiomysql.connect(host="127.0.0.1", user="root", db="test")
    try:
        async with connection.cursor() as cursor:
            await cursor.execute(TABLE)
            await cursor.execute(
                "INSERT INTO accounts VALUES (1, 'ada', %s), (2, 'bob', 'hunter')", (SECRET,)
            )
            await cursor.execute(query, bound)
            return str(await cursor.fetchall())
    finally:
        connection.close()


BYPASSES = [
    Bypass(
        "named placeholder in a literal",
        "PyMySQL",
        FORM,
        lambda w, a, b: mariadb(f"{ONE} name = '{a}' AND password = %(b)s", {"b": b}),
        ("%(b)s", " OR 1=1 #"),
        ("50", "x"),
        needs=MY,
    ),
    Bypass(
        "named placeholder in a literal",
        "psycopg2",
        FORM,
        lambda w, a, b: pg2(f"{ONE} name = '{a}' AND password = %(b)s", {"b": b}),
        ("%(b)s", " OR true --"),
        ("50", "x"),
        needs=PG,
    ),
    Bypass(
        "named placeholder in a literal",
        "psycopg client cursor",
        FORM,
        lambda w, a, b: client_side(f"{ONE} name = '{a}' AND password = %(b)s", {"b": b}),
        ("%(b)s", " OR true --"),
        ("50", "x"),
        needs=PG,
    ),
    Bypass(
        "named placeholder with a width",
        "PyMySQL",
        JSON,
        lambda w, a, b: mariadb(f"{ONE} name = '{a}' AND password = %(b)s", {"b": b}),
        ("%(b)1s", " OR 1=1 #"),
        ("50", "x"),
        needs=MY,
    ),
    Bypass(
        "named placeholder with a width",
        "aiomysql",
        FORM,
        lambda w, a, b: aio_mariadb(f"{ONE} name = '{a}' AND password = %(b)s", {"b": b}),
        ("%(b)1s", " OR 1=1 #"),
        ("50", "x"),
        needs=MY,
    ),
    Bypass(
        "named parameter in a literal",
        "SQLAlchemy on MariaDB",
        FORM,
        lambda w, a, b: engine(
            "mysql+pymysql://root@127.0.0.1/test", f"{ONE} name = '{a}' AND password = :b", b=b
        ),
        (":b", " OR 1=1 #"),
        ("50%", "x"),
        needs=MY,
    ),
    Bypass(
        "named parameter in a literal",
        "SQLAlchemy on psycopg2",
        JSON,
        lambda w, a, b: engine(
            "postgresql+psycopg2://postgres@127.0.0.1/test",
            f"{ONE} name = '{a}' AND password = :b",
            b=b,
        ),
        (":b", " OR true --"),
        ("50%", "x"),
        needs=PG,
    ),
    Bypass(
        "placeholder that is a lone quote",
        "PyMySQL",
        QUERY,
        lambda w, v: mariadb(f"{ONE} name = '{v}' AND id > %(low)s", {"low": "0"}),
        ("%(low).1s OR id>-1 -- ",),
        ("fifty",),
        needs=MY,
    ),
    Bypass(
        "named placeholder of another format",
        "psycopg client cursor",
        JSON,
        lambda w, a, b: client_side(f"{ONE} name = '{a}' AND password = %(b)s", {"b": b}),
        ("%(b)t", " OR true --"),
        ("b", "x"),
        needs=PG,
    ),
    Bypass(
        "percent sign doubled by the layer above",
        "SQLAlchemy on MariaDB",
        QUERY,
        lambda w, v: engine("mysql+pymysql://root@127.0.0.1/test", f"{ONE} name = '{v}'"),
        ("'or 1%9='1",),
        ("50%",),
        needs=MY,
    ),
    Bypass(
        "percent sign doubled by the service",
        "PyMySQL",
        QUERY,
        lambda w, v: mariadb(f"{ONE} name = '{v.replace('%', '%%')}' AND id > %s", (0,)),
        ("'or 1%9='1' #",),
        ("50%",),
        needs=MY,
    ),
    Bypass(
        "colon escaped for the layer above",
        "SQLAlchemy",
        MULTIPART,
        lambda w, v: alchemy(
            w,
            f"SELECT name, password FROM users WHERE role = 'member' AND name = '{v.replace(':', chr(92) + ':')}'",
        ),
        ("'or':'>'",),
        ("a:b",),
    ),
    Bypass(
        "wildcards escaped in a literal",
        "sqlite3",
        FORM,
        lambda w, v: w.rows(
            f"SELECT name, password FROM users WHERE role = 'member' AND name LIKE '{v.replace('_', chr(92) + '_')}'"
        ),
        ("'or'_'>'",),
        ("b_b",),
    ),
    Bypass(
        "question mark in a literal",
        "sqlite3",
        QUERY,
        lambda w, a, b: w.rows(
            f"SELECT name, password FROM users WHERE role = 'member' AND name = '{a}' OR name = ?",
            b,
        ),
        ("' OR role=?--", "admin"),
        ("?", "bob"),
    ),
]

"""MariaDB: the structure of a statement is what EXPLAIN EXTENDED says it was resolved to.

That text (note 1003) is the server's own; literals in it are blanked, names are not. What the server
folds away while it resolves (`5 AND 1=1`) changes nothing there, and counts as no change.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from typing import Any

import pymysql

from tests.integration.sql_corpora.positions import SCHEMA
from tests.integration.sql_corpora.server import MILLISECONDS, Outcome, absent

__all__ = ["Mariadb", "mariadb_server"]

_RESOLVED = 1003
_TOKENS = re.compile(
    r"(`(?:[^`]|``)*`)|'(?:[^'\\]|''|\\.)*'|(?<![\w.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w.])",
    re.DOTALL,
)


class Mariadb:
    """One connection of an account that may read and insert, and nothing else."""

    dialect = "mysql"

    def __init__(self, connection: pymysql.Connection[Any]) -> None:
        self._connection = connection
        self._cursor = connection.cursor()

    def outcome(self, sql: str) -> Outcome | None:
        try:
            self._cursor.execute("EXPLAIN EXTENDED " + sql)
            self._cursor.fetchall()
            self._cursor.execute("SHOW WARNINGS")
            notes = [text for _, code, text in self._cursor.fetchall() if code == _RESOLVED]
        except UnicodeEncodeError:
            return None
        except pymysql.MySQLError as failure:
            return Outcome(False, str(failure.args[0]))
        return Outcome(True, " ".join(_TOKENS.sub(_blank, note) for note in notes))

    def quoted(self, value: str) -> str | None:
        try:
            value.encode()
        except UnicodeEncodeError:
            return None
        return str(self._connection.escape(value))

    def effect(self, sql: str) -> str:
        try:
            self._cursor.execute(sql)
            rows = self._cursor.fetchall()
            self._cursor.execute("SELECT * FROM notes")
            return f"{rows} {self._cursor.fetchall()}"
        except pymysql.MySQLError as failure:
            return f"error {failure.args[0]}"
        finally:
            self._connection.rollback()


def _blank(token: re.Match[str]) -> str:
    if token[1]:
        return token[1]
    return "'…'" if token[0][0] == "'" else "0"


@contextlib.contextmanager
def mariadb_server() -> Iterator[Mariadb]:
    name = f"stockade_corpora_{os.getpid()}"
    try:
        admin = pymysql.connect(host="127.0.0.1", user="root", autocommit=True, connect_timeout=3)
    except pymysql.MySQLError as failure:
        absent("MariaDB", failure)
    with admin, _database(admin, name):
        connection = pymysql.connect(
            host="127.0.0.1", user=name, database=name, charset="utf8mb4", autocommit=False,
            init_command=f"SET max_statement_time = {MILLISECONDS / 1_000}",
        )  # fmt: skip
        with connection:
            yield Mariadb(connection)


@contextlib.contextmanager
def _database(admin: pymysql.Connection[Any], name: str) -> Iterator[None]:
    with admin.cursor() as cursor:
        try:
            cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
            cursor.execute(f"USE {name}")
            for statement in SCHEMA:
                cursor.execute(statement)
            cursor.execute(f"CREATE USER {name}")
            cursor.execute(f"GRANT SELECT ON {name}.* TO {name}")
            cursor.execute(f"GRANT INSERT ON {name}.notes TO {name}")
            yield
        finally:
            cursor.execute(f"DROP DATABASE IF EXISTS {name}")
            cursor.execute(f"DROP USER IF EXISTS {name}")

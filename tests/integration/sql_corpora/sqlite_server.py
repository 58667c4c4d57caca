"""SQLite in memory: the structure of a statement is the program that it compiles to (EXPLAIN)."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator

from tests.integration.sql_corpora.positions import SCHEMA
from tests.integration.sql_corpora.server import MILLISECONDS, Outcome

__all__ = ["Sqlite", "sqlite_server"]

_NUMBERS = ("Integer", "Int64", "Real")
_STRINGS = ("String8", "String")


class Sqlite:
    """One connection, which may read and insert, and nothing else."""

    dialect = "sqlite"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def outcome(self, sql: str) -> Outcome | None:
        if "\0" in sql:
            return None  # Python's module refuses it
        try:
            program = self._connection.execute("EXPLAIN " + sql).fetchall()
        except UnicodeEncodeError:
            return None
        except (sqlite3.Error, sqlite3.Warning) as failure:
            return Outcome(False, f"{type(failure).__name__}: {str(failure)[:12]}")
        return Outcome(True, " ".join(map(_instruction, program)))

    def quoted(self, value: str) -> str | None:
        if "\0" in value:
            return None  # quote() ends there
        try:
            (literal,) = self._connection.execute("SELECT quote(?)", (value,)).fetchone()
        except UnicodeEncodeError:
            return None
        return str(literal)

    def effect(self, sql: str) -> str:
        until = time.monotonic() + MILLISECONDS / 1_000
        self._connection.set_progress_handler(lambda: time.monotonic() > until, 1_000)
        try:
            rows = self._connection.execute(sql).fetchall()
            return f"{rows} {self._connection.execute('SELECT * FROM notes').fetchall()}"
        except sqlite3.OperationalError as failure:
            return f"error {failure}"
        finally:
            self._connection.set_progress_handler(None, 0)
            self._connection.rollback()


def _instruction(row: tuple[int, str, int, int, int, object, int, object]) -> str:
    """One line of EXPLAIN, without a constant's value: opcode, registers, what it works on."""
    _, opcode, p1, p2, p3, p4, _, _ = row
    if opcode in _NUMBERS:
        return f"number {p2}"
    if opcode in _STRINGS:
        return f"string {p2}"
    return f"{opcode} {p1} {p2} {p3} {p4}"


@contextlib.contextmanager
def sqlite_server() -> Iterator[Sqlite]:
    connection = sqlite3.connect(":memory:")
    try:
        for statement in SCHEMA:
            connection.execute(statement)
        connection.commit()
        yield Sqlite(connection)
    finally:
        connection.close()

"""PostgreSQL: the structure of a statement is its analysed tree, before any folding of constants.

`debug_print_parse` sends the tree of each statement that is prepared; none is run. The values of
constants and the positions in the text are blanked.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator

import psycopg
from psycopg import sql as composed
from psycopg.pq import DiagnosticField, ExecStatus

from tests.integration.sql_corpora.positions import SCHEMA
from tests.integration.sql_corpora.server import MILLISECONDS, Outcome, absent

__all__ = ["Postgresql", "postgresql_server"]

_ADMIN = "host=127.0.0.1 user=postgres"
_VALUES = re.compile(
    r":(?:location|stmt_location|stmt_len) -?\d+|:constvalue (?:\d+ \[[^\]]*\]|<>)"
)


class Postgresql:
    """One connection of a role that may read and insert, and nothing else."""

    dialect = "postgresql"

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self._trees: list[str] = []
        connection.add_notice_handler(self._take)

    def _take(self, notice: psycopg.errors.Diagnostic) -> None:
        if notice.message_primary == "parse tree:":
            lines = (notice.message_detail or "").split()  # broken by width
            self._trees.append(_VALUES.sub("", " ".join(lines)))

    def outcome(self, sql: str) -> Outcome | None:
        if "\0" in sql:
            return None  # libpq's strings end there
        try:
            text = sql.encode()
        except UnicodeEncodeError:
            return None
        self._trees.clear()
        result = self._connection.pgconn.prepare(b"", text)
        if result.status != ExecStatus.COMMAND_OK:
            return Outcome(False, (result.error_field(DiagnosticField.SQLSTATE) or b"").decode())
        return Outcome(True, "".join(self._trees))

    def quoted(self, value: str) -> str | None:
        try:
            return composed.Literal(value).as_string(self._connection)
        except (psycopg.DataError, UnicodeEncodeError):
            return None

    def effect(self, sql: str) -> str:
        try:
            with self._connection.transaction(force_rollback=True):
                cursor = self._connection.execute(sql.encode())
                rows = cursor.fetchall() if cursor.description else []
                return f"{rows} {self._connection.execute('SELECT * FROM notes').fetchall()}"
        except psycopg.Error as failure:
            return f"error {failure.sqlstate}"


@contextlib.contextmanager
def postgresql_server() -> Iterator[Postgresql]:
    name = f"stockade_corpora_{os.getpid()}"
    try:
        admin = psycopg.connect(f"{_ADMIN} dbname=postgres", autocommit=True, connect_timeout=3)
    except psycopg.OperationalError as failure:
        absent("PostgreSQL", failure)
    with admin, _database(admin, name):
        settings = (
            f"-c statement_timeout={MILLISECONDS} -c debug_print_parse=on"
            " -c debug_pretty_print=off -c client_min_messages=log"
        )
        with psycopg.connect(
            host="127.0.0.1", user=name, dbname=name, options=settings, autocommit=True
        ) as connection:
            yield Postgresql(connection)


@contextlib.contextmanager
def _database(admin: psycopg.Connection, name: str) -> Iterator[None]:
    role = composed.Identifier(name)
    try:
        admin.execute(
            composed.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(role)
        )
        admin.execute(composed.SQL("CREATE ROLE {} LOGIN").format(role))
        with psycopg.connect(f"{_ADMIN} dbname={name}", autocommit=True) as owner:
            for statement in SCHEMA:
                owner.execute(statement.encode())
            owner.execute(composed.SQL("GRANT SELECT ON users, secrets, notes TO {}").format(role))
            owner.execute(composed.SQL("GRANT INSERT ON notes TO {}").format(role))
        yield
    finally:
        admin.execute(composed.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(role))
        admin.execute(composed.SQL("DROP ROLE IF EXISTS {}").format(role))

"""Open the SQLite file of a store: mode, pragmas and schema version."""

from __future__ import annotations

import os
import time
from pathlib import Path
from sqlite3 import Connection, OperationalError

from stockade.core.errors import StoreError

__all__ = ["SCHEMA_VERSION", "open_connection"]

SCHEMA_VERSION = 1
_APPLICATION_ID = 0x53544B44  # "STKD": `file` and people recognise whose database it is
_TABLE = """\
CREATE TABLE state (
    kind INTEGER NOT NULL,
    key BLOB NOT NULL,
    value BLOB NOT NULL,
    expires REAL,
    PRIMARY KEY (kind, key)
) WITHOUT ROWID"""
_SCHEMA = (
    _TABLE,
    "CREATE INDEX state_expires ON state (expires) WHERE expires IS NOT NULL",
    f"PRAGMA application_id = {_APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)


class _StoreConnection(Connection):
    """Made from the class itself, for the firewall replaces `sqlite3.connect`; it knows this one
    by its module and does not take it for a connection of the application's."""


def open_connection(path: str, busy_timeout: float) -> Connection:
    """A connection to the file at `path`, created with mode 0600 and the current schema.

    `busy_timeout` is in seconds. Raises sqlite3.Error and OSError as they come, StoreError for a
    file of another application or of a newer Stockade.
    """
    _prepare_file(path)
    connection = _StoreConnection(
        path, timeout=busy_timeout, isolation_level=None, check_same_thread=False
    )
    try:
        _write_ahead(connection, busy_timeout)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA trusted_schema = OFF")
        _check_schema(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare_file(path: str) -> None:
    Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # SQLite gives its -wal and -shm files the mode of the database.
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        # Never opened here: to close it would drop the locks (POSIX, fcntl) of this process's other
        # connection to it, and the next process that ends would delete the log under our writes.
        if os.stat(path).st_mode & 0o077:
            os.chmod(path, 0o600)


def _write_ahead(connection: Connection, patience: float) -> None:
    # Switching to the log ignores the busy timeout, and processes often start together.
    until = time.monotonic() + patience
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)


def _check_schema(connection: Connection, path: str) -> None:
    if _version(connection) == SCHEMA_VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = _version(connection)  # another process may have been first
        if version == 0 and not connection.execute("SELECT 1 FROM sqlite_schema").fetchone():
            for statement in _SCHEMA:
                connection.execute(statement)
        elif version != SCHEMA_VERSION:
            raise StoreError(
                f"{path} holds no state of this version of Stockade (found schema {version}, need"
                f" {SCHEMA_VERSION}); set store.url to another file, or upgrade Stockade"
            )
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _version(connection: Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    owner: int = connection.execute("PRAGMA application_id").fetchone()[0]
    return version if owner == _APPLICATION_ID or version == 0 else -1

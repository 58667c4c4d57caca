"""A store in an SQLite file: the default, for one process or many on one machine.

Write-ahead log and `synchronous=NORMAL`: a committed entry survives a killed process, always; a
power cut may take the last moments before it, never the file's integrity. The file is readable by
its owner only (mode 0600). Do not put it on a network file system: SQLite's locks need a real one.

Reads and writes have a connection each, so a reader never waits for a writer of another process.
Before a fork both are closed, for SQLite forbids carrying a connection over it; parent and child
open their own at their next call.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from os import PathLike, fspath, register_at_fork
from sqlite3 import Connection, Error

from stockade.core.errors import StoreError
from stockade.core.ports import Clock
from stockade.stores import failure, keys, sliding_window, token_bucket
from stockade.stores.expiry import deadline
from stockade.stores.sqlite_file import open_connection

__all__ = ["SQLiteStore"]

_ENTRY, _COUNTER, _BUCKET = 0, 1, 2
_PURGE_EVERY = 1_000  # writes
_GET = "SELECT value FROM state WHERE kind = ? AND key = ? AND (expires IS NULL OR expires > ?)"
_SET = (
    "INSERT INTO state (kind, key, value, expires) VALUES (?, ?, ?, ?) ON CONFLICT (kind, key)"
    " DO UPDATE SET value = excluded.value, expires = excluded.expires"
)
_ADD = _SET + " WHERE state.expires IS NOT NULL AND state.expires <= ?"
_SCAN = (
    "SELECT key, value FROM state WHERE kind = 0 AND key >= ? AND key < ?"
    " AND (expires IS NULL OR expires > ?) ORDER BY key"
)
_DELETE_ONLY = (
    "DELETE FROM state WHERE kind = ? AND key = ? AND value = ?"
    " AND (expires IS NULL OR expires > ?)"
)
_FORGET = "DELETE FROM state WHERE kind BETWEEN 0 AND 2 AND key = ?"
_PURGE = "DELETE FROM state WHERE expires <= ?"
_stores: weakref.WeakSet[SQLiteStore] = weakref.WeakSet()


class _Lane:
    """One connection and the lock of who uses it."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.connection: Connection | None = None

    def close(self) -> None:
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.close()


class SQLiteStore:
    """`core.ports.Store` in an SQLite file. Errors: StoreError, from every method."""

    def __init__(
        self, path: str | PathLike[str], *, clock: Clock = time.time, busy_timeout: float = 5.0
    ) -> None:
        """Open, or create with mode 0600, the file at `path`.

        `clock` gives seconds since the epoch and must agree between processes; a call waits
        `busy_timeout` seconds at most for a writer of another process. Raises StoreError.
        """
        self._path = fspath(path)
        self._clock = clock
        self._busy_timeout = busy_timeout
        self._closed = False
        self._writes = 0
        self._reader, self._writer = _Lane(), _Lane()
        with self._using(self._writer):
            pass  # what is wrong with the file shows at start, not at the first request
        _stores.add(self)

    def get(self, key: str) -> bytes | None:
        """The value, or None."""
        with self._using(self._reader) as connection:
            row = connection.execute(_GET, (_ENTRY, keys.encode(key), self._clock())).fetchone()
        return None if row is None else row[0]

    def put(self, key: str, value: bytes, *, ttl: float | None = None) -> None:
        """Set the value."""
        with self._using(self._writer) as connection:
            expires = deadline(self._clock(), ttl)
            connection.execute(_SET, (_ENTRY, keys.encode(key), bytes(value), expires))
            self._purge_sometimes(connection)

    def add(self, key: str, value: bytes, *, ttl: float | None = None) -> bool:
        """Set the value unless there is one; True if it was set."""
        with self._using(self._writer) as connection:
            now = self._clock()
            parameters = (_ENTRY, keys.encode(key), bytes(value), deadline(now, ttl), now)
            added = connection.execute(_ADD, parameters).rowcount == 1
            self._purge_sometimes(connection)
        return added

    def delete(self, key: str, *, only: bytes | None = None) -> bool:
        """Remove; with `only`, just an entry of that value. True if something was removed."""
        with self._using(self._writer) as connection:
            now, name = self._clock(), keys.encode(key)
            if only is not None:
                parameters = (_ENTRY, name, bytes(only), now)
                return connection.execute(_DELETE_ONLY, parameters).rowcount == 1
            with _transaction(connection):
                connection.execute(_FORGET + " AND expires <= ?", (name, now))
                return connection.execute(_FORGET, (name,)).rowcount > 0

    def scan(self, prefix: str) -> Iterator[tuple[str, bytes]]:
        """Live entries under `prefix`, as they were at the call, in the order of their keys."""
        start = keys.encode(prefix)
        # UTF-8 has no byte 0xff, so this is the first key behind all that begin with the prefix.
        end = start[:-1] + bytes([start[-1] + 1]) if start else b"\xff"
        with self._using(self._reader) as connection:
            rows = connection.execute(_SCAN, (start, end, self._clock())).fetchall()
        return iter([(key.decode(), value) for key, value in rows])

    def increment(self, key: str, *, window: float, by: int = 1) -> int:
        """Count in a sliding window; see `stores.sliding_window` for the error bound."""
        name = keys.encode(key)
        with self._using(self._writer) as connection, _transaction(connection):
            now = self._clock()
            row = connection.execute(_GET, (_COUNTER, name, now)).fetchone()
            slots = sliding_window.decode(row[0], window) if row else {}
            slots, count = sliding_window.add(slots, now=now, window=window, by=by)
            data = sliding_window.encode(window, slots)
            connection.execute(_SET, (_COUNTER, name, data, deadline(now, 2 * window)))
            self._purge_sometimes(connection)
        return count

    def take(self, key: str, *, capacity: float, rate: float, cost: float = 1.0) -> float:
        """Take from a token bucket; see `stores.token_bucket`."""
        name = keys.encode(key)
        with self._using(self._writer) as connection, _transaction(connection):
            now = self._clock()
            row = connection.execute(_GET, (_BUCKET, name, now)).fetchone()
            before = token_bucket.decode(row[0]) if row else None
            taken = token_bucket.take(before, now=now, capacity=capacity, rate=rate, cost=cost)
            data = token_bucket.encode(taken.bucket)
            connection.execute(_SET, (_BUCKET, name, data, deadline(now, taken.ttl)))
            self._purge_sometimes(connection)
        return taken.wait

    def purge(self) -> int:
        """Remove what has expired; how many that were."""
        with self._using(self._writer) as connection:
            return connection.execute(_PURGE, (self._clock(),)).rowcount

    def close(self) -> None:
        """Close the file; further calls raise StoreError."""
        self._closed = True
        for lane in (self._reader, self._writer):
            with lane.lock:
                lane.close()

    @contextmanager
    def _using(self, lane: _Lane) -> Iterator[Connection]:
        why = "closed"
        try:
            with lane.lock:
                if self._closed:
                    raise StoreError("the state store is closed; open another one with open_store")
                why = "schema"
                try:
                    if lane.connection is None:
                        lane.connection = open_connection(self._path, self._busy_timeout)
                    yield lane.connection
                except (Error, OSError, OverflowError) as error:
                    why = _name(error)
                    raise StoreError(
                        f"the state store {self._path} cannot answer ({why}); check its"
                        " folder, its permissions and the space on its disk"
                    ) from error
        except StoreError:
            failure.tell("sqlite", why)  # outside the lock: a receiver may use the store
            raise

    def _purge_sometimes(self, connection: Connection) -> None:
        self._writes += 1
        if self._writes % _PURGE_EVERY == 0:
            connection.execute(_PURGE, (self._clock(),))


@contextmanager
def _transaction(connection: Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _name(error: Exception) -> str:
    return getattr(error, "sqlite_errorname", None) or type(error).__name__


_forking: dict[int, ExitStack] = {}  # by thread: two may fork at once


def _close_before_fork() -> None:
    held = _forking[threading.get_ident()] = ExitStack()
    for store in list(_stores):
        for lane in (store._reader, store._writer):
            held.enter_context(lane.lock)
            lane.close()


def _release_after_fork() -> None:
    _forking.pop(threading.get_ident()).close()


register_at_fork(
    before=_close_before_fork,
    after_in_parent=_release_after_fork,
    after_in_child=_release_after_fork,
)

"""SQL through sqlite3, whose `execute` reports no audit event.

`sqlite3.Connection` cannot be patched, so `sqlite3.connect` gives connections whose cursors check
the text first. A connection that was opened before, or by a `connect` kept in a closure, is not
guarded: it is reported as `sink_unguarded`.
"""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from stockade.core.bus import emit
from stockade.core.events import Outcome
from stockade.firewall import hook
from stockade.firewall.engine import Guard
from stockade.firewall.rebind import rebind

__all__ = ["install", "uninstall"]

_original_connect = sqlite3.connect
_guard: Guard | None = None


@lru_cache(maxsize=64)
def _guarded_cursor(base: type[sqlite3.Cursor]) -> type[sqlite3.Cursor]:
    """A subclass of `base` that checks the text of a statement before it runs."""

    class GuardedCursor(base):  # type: ignore[misc, valid-type]
        __slots__ = ()

        def execute(self, sql: str, parameters: Any = (), /) -> Any:
            if _guard is not None:
                _guard(sql)
            return super().execute(sql, parameters)

        def executemany(self, sql: str, parameters: Iterable[Any], /) -> Any:
            if _guard is not None:
                _guard(sql)
            return super().executemany(sql, parameters)

        def executescript(self, script: str, /) -> Any:
            if _guard is not None:
                _guard(script)
            return super().executescript(script)

    GuardedCursor.__name__ = GuardedCursor.__qualname__ = base.__name__
    return GuardedCursor


@lru_cache(maxsize=64)
def _guarded_connection(base: type[sqlite3.Connection]) -> type[sqlite3.Connection]:
    """A subclass of `base` whose cursors are guarded, also those of a factory of the caller's."""

    class GuardedConnection(base):  # type: ignore[misc, valid-type]
        stockade_guarded = True

        def cursor(self, factory: Any = sqlite3.Cursor) -> Any:
            if isinstance(factory, type) and issubclass(factory, sqlite3.Cursor):
                factory = _guarded_cursor(factory)
            return super().cursor(factory)

        # The interpreter's own versions do not ask `cursor()` of a subclass.
        def execute(self, sql: str, parameters: Any = (), /) -> Any:
            return self.cursor().execute(sql, parameters)

        def executemany(self, sql: str, parameters: Iterable[Any], /) -> Any:
            return self.cursor().executemany(sql, parameters)

        def executescript(self, script: str, /) -> Any:
            return self.cursor().executescript(script)

    GuardedConnection.__name__ = GuardedConnection.__qualname__ = base.__name__
    return GuardedConnection


def connect(*arguments: Any, **keywords: Any) -> Any:
    """`sqlite3.connect`, the connection's statements guarded."""
    if len(arguments) > 5:  # factory is the sixth positional parameter
        factory = arguments[5]
        if isinstance(factory, type):
            arguments = (*arguments[:5], _guarded_connection(factory), *arguments[6:])
    else:
        factory = keywords.get("factory", sqlite3.Connection)
        if isinstance(factory, type):
            keywords["factory"] = _guarded_connection(factory)
    return _original_connect(*arguments, **keywords)


def _on_connection(arguments: tuple[Any, ...]) -> None:
    connection = arguments[0]
    if _guard is None or getattr(type(connection), "stockade_guarded", False):
        return
    if type(connection).__module__.startswith("stockade."):
        return
    _report_unguarded(1, "A database was opened by a `connect` that Stockade could not reach.")


def _report_unguarded(count: int, reason: str) -> None:
    emit("sink_unguarded", Outcome.FAILED, "firewall", reason, rule="sql.unguarded", count=count)


def install(guard: Guard) -> None:
    """Guard every connection opened from now on; report those that are open already."""
    global _guard
    _guard = guard
    if sqlite3.connect is connect:
        return
    early = sum(
        isinstance(candidate, sqlite3.Connection)
        and not type(candidate).__module__.startswith("stockade.")
        and not getattr(type(candidate), "stockade_guarded", False)
        for candidate in gc.get_objects()
    )
    rebind(_original_connect, connect)
    hook.listen("sqlite3.connect/handle", _on_connection)
    if early:
        _report_unguarded(
            early, "SQLite connections were open before Stockade started: protect the app earlier."
        )


def uninstall() -> None:
    """Give `sqlite3.connect` back; connections that are open stay as they are, unchecked."""
    global _guard
    _guard = None
    if sqlite3.connect is connect:
        hook.withdraw("sqlite3.connect/handle")
        rebind(connect, _original_connect)

"""SQL through sqlite3, whose `execute` reports no audit event.

The two classes cannot be patched, so subclasses that check the text first take their place: under
their names in every module, as bases of the classes that were derived from them before, and in
`sqlite3.connect`. A connection or cursor of the original classes, made before or through a name
kept in a closure, is not guarded: it is reported as `sink_unguarded`.
"""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Iterable
from typing import Any

from stockade.core.bus import emit
from stockade.core.events import Outcome
from stockade.firewall import hook
from stockade.firewall.engine import Guard
from stockade.firewall.rebind import StandIn, adopt, rebind
from stockade.firewall.sinks.sqlite_files import ORDINARY, check_script, check_statement

__all__ = ["install", "uninstall"]

_original_connect = sqlite3.connect
_OriginalConnection = sqlite3.Connection
_OriginalCursor = sqlite3.Cursor
_guard: Guard | None = None


class _Cursor(_OriginalCursor, metaclass=StandIn):
    """Checks the text of a statement before it runs."""

    __slots__ = ()
    stands_in_for = _OriginalCursor

    def execute(self, sql: str, parameters: Any = (), /) -> Any:
        if _guard is not None:
            _guard.check(sql)
            if sql and sql[0] not in ORDINARY:
                check_statement(sql, parameters)
        return super().execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> Any:
        if _guard is not None:
            _guard.check(sql)
        return super().executemany(sql, parameters)

    def executescript(self, script: str, /) -> Any:
        if _guard is not None:
            _guard.check(script)
            check_script(script)
        return super().executescript(script)


class _Connection(_OriginalConnection, metaclass=StandIn):
    """A connection whose cursors are guarded, also those of a factory of the caller's."""

    __slots__ = ()
    stands_in_for = _OriginalConnection

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if cls.__module__.startswith("stockade.stores."):
            adopt(cls, _Connection, _OriginalConnection)  # our own statements are nobody's input

    def cursor(self, factory: Any = _Cursor) -> Any:
        made = super().cursor(_Cursor if factory is _OriginalCursor else factory)
        if type(made) is _OriginalCursor:
            _report_unguarded(1, "A cursor factory made a cursor that Stockade could not reach.")
        return made

    # The interpreter's own versions do not ask `cursor()` of a subclass.
    def execute(self, sql: str, parameters: Any = (), /) -> Any:
        return self.cursor().execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> Any:
        return self.cursor().executemany(sql, parameters)

    def executescript(self, script: str, /) -> Any:
        return self.cursor().executescript(script)


_STAND_INS = ((_OriginalConnection, _Connection), (_OriginalCursor, _Cursor))
for _original, _replacement in _STAND_INS:
    for _attribute in ("__name__", "__qualname__", "__module__"):
        setattr(_replacement, _attribute, getattr(_original, _attribute))


def connect(*arguments: Any, **keywords: Any) -> Any:
    """`sqlite3.connect`, the connection's statements guarded."""
    if len(arguments) > 5:  # factory is the sixth positional parameter
        if arguments[5] is _OriginalConnection:
            arguments = (*arguments[:5], _Connection, *arguments[6:])
    elif keywords.get("factory", _OriginalConnection) is _OriginalConnection:
        keywords["factory"] = _Connection
    return _original_connect(*arguments, **keywords)


def _is_unguarded(connection: object) -> bool:
    kind = type(connection)
    return (
        issubclass(kind, _OriginalConnection)
        and _Connection not in kind.__mro__
        and not kind.__module__.startswith("stockade.")
    )


def _open_connections() -> list[object]:
    """Every living connection, whoever opened it: an instance refers to its class."""
    kinds: list[type] = [_OriginalConnection]
    for kind in kinds:
        kinds += set(kind.__subclasses__()).difference(kinds)
    return [one for one in gc.get_referrers(*kinds) if isinstance(one, _OriginalConnection)]


def _on_connection(arguments: tuple[Any, ...]) -> None:
    if _guard is not None and _is_unguarded(arguments[0]):
        _report_unguarded(1, "A database was opened by a `connect` that Stockade could not reach.")


def _report_unguarded(count: int, reason: str) -> None:
    emit("sink_unguarded", Outcome.FAILED, "firewall", reason, rule="sql.unguarded", count=count)


def install(guard: Guard) -> None:
    """Guard every connection opened from now on; report those that are open already."""
    global _guard
    _guard = guard
    if sqlite3.connect is connect:
        return
    stubborn = 0
    for original, replacement in _STAND_INS:
        for derived in original.__subclasses__():
            if derived is not replacement and not derived.__module__.startswith("stockade."):
                stubborn += not adopt(derived, original, replacement)
    rebind(((_original_connect, connect), *_STAND_INS))
    early = sum(_is_unguarded(candidate) for candidate in _open_connections())
    hook.listen("sqlite3.connect/handle", _on_connection)
    if early:
        _report_unguarded(
            early, "SQLite connections were open before Stockade started: protect the app earlier."
        )
    if stubborn:
        _report_unguarded(stubborn, "Classes derived from sqlite3's could not be guarded.")


def installed() -> bool:
    """Whether new connections are guarded: nobody has put the driver's own back."""
    return _guard is not None and sqlite3.connect is connect


def uninstall() -> None:
    """Give sqlite3 its own back; connections that are open stay as they are, unchecked."""
    global _guard
    _guard = None
    if sqlite3.connect is not connect:
        return
    hook.withdraw("sqlite3.connect/handle")
    rebind((new, old) for old, new in ((_original_connect, connect), *_STAND_INS))
    for original, replacement in _STAND_INS:
        for derived in replacement.__subclasses__():
            adopt(derived, replacement, original)

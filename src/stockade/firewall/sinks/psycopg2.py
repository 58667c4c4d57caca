"""SQL through psycopg2, whose connection and cursor are C types.

As for sqlite3, subclasses that check the text first take their place: under their names in every
module, as bases of the classes that were derived from them before (those of `extras` among them),
and in `psycopg2.connect`. Connections of the original classes, opened before, are not guarded:
they are reported as `sink_unguarded`. Replication connections are not guarded at all. A statement
is judged before parameters are put into it, and once more as it leaves where a placeholder stands
inside a literal; `execute_values` and `execute_batch` by what they were called with.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import partial
from typing import Any

from stockade.core.bus import emit
from stockade.core.events import Outcome
from stockade.firewall.driver import Driver
from stockade.firewall.engine import Guard
from stockade.firewall.rebind import StandIn, adopt, rebind
from stockade.firewall.sinks.composed import is_written
from stockade.firewall.sinks.placeholders import replaces_in_literals
from stockade.firewall.sinks.session_modes import postgresql_guard, read_text

__all__ = ["install", "is_guarded", "uninstall"]

_judged: ContextVar[Any] = ContextVar("stockade_psycopg2", default=None)
"""The cursor whose statement has been judged and is put together by `extras`."""

_PYTHON_CLASS = 1 << 9  # Py_TPFLAGS_HEAPTYPE: the replication classes are C's, and stay theirs
_stand_ins: dict[type, type] = {}


def is_guarded(cursor: object) -> bool:
    """Whether a cursor checks its statements."""
    return any(stand_in in type(cursor).__mro__ for stand_in in _stand_ins.values())


def _judge(cursor: Any, query: Any, *, binds: bool = False) -> bool:
    """Whether what the driver makes of the statement is to be judged as well."""
    if not _driver.guards or _judged.get() is cursor:
        return False
    sql = sys.modules.get("psycopg2.sql")
    is_developers: Callable[[], bool] | None = None
    if isinstance(query, str):
        text = query
    elif sql is not None and isinstance(query, sql.Composable):
        text = query.as_string(cursor)
        is_developers = partial(is_written, query, sql)
    else:
        encodings = sys.modules["psycopg2.extensions"].encodings
        text = read_text(query, encodings.get(cursor.connection.encoding, "utf-8"))
    parameter = cursor.connection.get_parameter_status
    guard = postgresql_guard(_driver.guards, text, parameter)
    guard.check(text, is_developers)
    return binds and replaces_in_literals(guard, text)


def _make_cursor(original: type[Any]) -> type[Any]:
    class Cursor(original, metaclass=StandIn):  # type: ignore[misc]
        """Checks the text of a statement before it runs."""

        __slots__ = ()
        stands_in_for = original

        def execute(self, query: Any, *parameters: Any, **keywords: Any) -> Any:
            bound = parameters[0] if parameters else keywords.get("vars")
            if _judge(self, query, binds=bound is not None):
                _judge(self, super().mogrify(query, bound))
            return super().execute(query, *parameters, **keywords)

        def executemany(self, query: Any, *parameters: Any, **keywords: Any) -> Any:
            if _judge(self, query, binds=True):
                rows = list(parameters[0] if parameters else keywords.get("vars_list", ()))
                for row in rows:
                    _judge(self, super().mogrify(query, row))
                return super().executemany(query, rows)
            return super().executemany(query, *parameters, **keywords)

        def callproc(self, procname: str, *parameters: Any) -> Any:
            _judge(self, "SELECT * FROM " + procname + "()")  # noqa: S608 - as psycopg2 writes it
            return super().callproc(procname, *parameters)

        def copy_expert(self, sql: Any, *more: Any, **keywords: Any) -> Any:
            _judge(self, sql)
            return super().copy_expert(sql, *more, **keywords)

    return Cursor


def _make_connection(original: type[Any], original_cursor: type, cursor: type) -> type[Any]:
    class Connection(original, metaclass=StandIn):  # type: ignore[misc]
        """A connection whose cursors are guarded, also those of a factory of the caller's."""

        __slots__ = ()
        stands_in_for = original

        def cursor(
            self, name: Any = None, cursor_factory: Any = None, *more: Any, **keywords: Any
        ) -> Any:
            factory = cursor_factory or self.cursor_factory or cursor
            factory = cursor if factory is original_cursor else factory
            made = super().cursor(name, factory, *more, **keywords)
            if not is_guarded(made):
                _report(1, "A cursor factory made a cursor that Stockade could not reach.")
            return made

    return Connection


def _report(count: int, reason: str) -> None:
    emit("sink_unguarded", Outcome.FAILED, "firewall", reason, rule="sql.unguarded", count=count)


def _patch(module: Any) -> None:
    old_connection, old_cursor = module._psycopg.connection, module._psycopg.cursor
    if not _stand_ins:
        made = _make_cursor(old_cursor)
        _stand_ins[old_cursor] = made
        _stand_ins[old_connection] = _make_connection(old_connection, old_cursor, made)
        for original, replacement in _stand_ins.items():
            for attribute in ("__name__", "__qualname__", "__module__"):
                setattr(replacement, attribute, getattr(original, attribute))
    early = list(map(type, gc.get_objects())).count(old_connection)
    stubborn = sum(_take_place(*pair) for pair in _stand_ins.items())
    rebind(_stand_ins.items())
    _driver.on_uninstall(partial(rebind, [(new, old) for old, new in _stand_ins.items()]))
    new_connection = _stand_ins[old_connection]

    def connecting(original: Any) -> Any:
        def _connect(dsn: Any, connection_factory: Any = None, *rest: Any, **keywords: Any) -> Any:
            if connection_factory is None or connection_factory is old_connection:
                connection_factory = new_connection
            return original(dsn, connection_factory, *rest, **keywords)

        return _connect

    _driver.replace(module, "_connect", connecting)
    if early:
        _report(early, "psycopg2 connections were open before Stockade: protect the app earlier.")
    if stubborn:
        _report(stubborn, "Classes derived from psycopg2's could not be guarded.")


def _patch_extras(module: Any) -> None:
    def composing(original: Any) -> Any:
        def compose(cur: Any, sql: Any, *arguments: Any, **keywords: Any) -> Any:
            again = _judge(cur, sql, binds=True)
            token = _judged.set(None if again else cur)
            try:
                return original(cur, sql, *arguments, **keywords)
            finally:
                _judged.reset(token)

        return compose

    originals = [getattr(module, name) for name in ("execute_batch", "execute_values")]
    replacements = [(original, composing(original)) for original in originals]
    rebind(replacements)
    _extras.on_uninstall(partial(rebind, [(new, old) for old, new in replacements]))


def _take_place(original: type[Any], replacement: type[Any]) -> int:
    """Put a stand-in in the place of a class; how many derived classes it could not reach."""
    stubborn = 0
    for derived in original.__subclasses__():
        if derived is not replacement and derived.__flags__ & _PYTHON_CLASS:
            stubborn += not adopt(derived, original, replacement)
    _driver.on_uninstall(partial(_give_back, original, replacement))
    return stubborn


def _give_back(original: type[Any], replacement: type[Any]) -> None:
    for derived in replacement.__subclasses__():
        adopt(derived, replacement, original)


def install(guards: Mapping[str, Guard]) -> None:
    """Guard every connection opened from now on; report those that are open already."""
    _driver.install(guards)
    _extras.install(guards)


def uninstall() -> None:
    """Give psycopg2 its own back; connections that are open stay as they are, unchecked."""
    _extras.uninstall()
    _driver.uninstall()


_driver = Driver("psycopg2", _patch)
_extras = Driver("psycopg2.extras", _patch_extras)

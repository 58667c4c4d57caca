"""SQL through mysqlclient (`MySQLdb`, GPL: nothing here imports it; an application does).

As PyMySQL's sink. `MySQLdb` may also be PyMySQL under that name, which has a sink of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from importlib import import_module
from typing import Any

from stockade.firewall.driver import Driver
from stockade.firewall.sinks.placeholders import replaces_in_literals
from stockade.firewall.sinks.session_modes import QUESTION, MySQLModes, read_text

__all__ = ["install", "uninstall"]

_modes = MySQLModes()
_judged: ContextVar[Any] = ContextVar("stockade_mysqlclient", default=None)
"""The connection whose statement has been judged and is on its way."""


def _judge(connection: Any, sql: Any, query: Callable[..., Any], *, binds: bool = False) -> bool:
    """Whether what the driver makes of the statement is to be judged as well."""
    text = read_text(sql, connection.encoding)
    name = _dialect(connection, text)
    if name is None:
        _ask(connection, query)
        name = _dialect(connection, text) or _modes.unsure(text)
    guard = _driver.guards[name]
    guard.check(text)
    _modes.passes(connection, text)
    return binds and replaces_in_literals(guard, text)


def _dialect(connection: Any, text: str) -> str | None:
    # The status bit is not shown, but the C library escapes by it.
    escapes = "\\" not in text or connection.escape_string(b"'") != b"''"
    return _modes.dialect(
        connection,
        connection.thread_id(),
        text,
        encoding=connection.encoding,
        status=0 if escapes else 0x200,
    )


def _ask(connection: Any, query: Callable[..., Any]) -> None:
    try:
        query(connection, QUESTION)  # refused while rows of an earlier statement are on their way
        row = connection.store_result().fetch_row(1)[0]
    except Exception:
        return  # whatever it is, the session has not answered
    _modes.answered(connection, connection.thread_id(), row)


def _patch(module: Any) -> None:
    if not hasattr(module, "_mysql") or module.__name__ != "MySQLdb":
        return  # PyMySQL under this name
    cursors, connections = (import_module(f"MySQLdb.{name}") for name in ("cursors", "connections"))
    plain_query = connections.Connection.query

    def cursor_method(original: Any) -> Any:
        def method(self: Any, query: Any, args: Any = None) -> Any:
            connection = self.connection
            if connection is None or _judged.get() is connection:
                return original(self, query, args)
            again = _judge(connection, query, plain_query, binds=args is not None)
            token = _judged.set(None if again else connection)
            try:
                return original(self, query, args)
            finally:
                _judged.reset(token)

        return method

    def connection_query(original: Any) -> Any:
        def query(self: Any, sql: Any) -> Any:
            if _judged.get() is not self or _modes.may_mangle(self, self.encoding):
                _judge(self, sql, plain_query)
            return original(self, sql)

        return query

    _driver.replace(cursors.BaseCursor, "execute", cursor_method)
    _driver.replace(cursors.BaseCursor, "executemany", cursor_method)
    _driver.replace(connections.Connection, "query", connection_query)


_driver = Driver("MySQLdb", _patch)
install, uninstall = _driver.install, _driver.uninstall

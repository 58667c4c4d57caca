"""SQL through PyMySQL, also as `MySQLdb` (`pymysql.install_as_MySQLdb`).

A statement is judged as the application gave it, before the driver puts parameters into it; what
goes to the connection by another way (`Connection.query`, `callproc`), as it leaves. Where the
session's character set may defeat the driver's own escaping (GBK, Big5, Shift JIS …), or the driver
replaces a placeholder inside a literal, what leaves is judged as well.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from stockade.firewall.driver import Driver
from stockade.firewall.sinks.placeholders import replaces_in_literals
from stockade.firewall.sinks.session_modes import QUESTION, MySQLModes, read_text

__all__ = ["install", "uninstall"]

_modes = MySQLModes()
_judged: ContextVar[Any] = ContextVar("stockade_pymysql", default=None)
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
    return _modes.dialect(
        connection,
        connection.server_thread_id[0],
        text,
        encoding=connection.encoding,
        status=connection.server_status or 0,
    )


def _ask(connection: Any, query: Callable[..., Any]) -> None:
    result = connection._result
    if result is not None and (result.unbuffered_active or result.has_next):
        return  # rows of an earlier statement are still on their way
    try:
        query(connection, QUESTION)
        row = connection._result.rows[0]
    except Exception:
        return  # whatever it is, the session has not answered
    _modes.answered(connection, connection.server_thread_id[0], row)


def _patch(module: Any) -> None:
    plain_query = vars(module.connections.Connection)["query"]

    def cursor_method(original: Any) -> Any:
        def method(self: Any, query: Any, args: Any = None) -> Any:
            connection = self.connection
            if not connection or _judged.get() is connection:
                return original(self, query, args)
            again = _judge(connection, query, plain_query, binds=args is not None)
            token = _judged.set(None if again else connection)
            try:
                return original(self, query, args)
            finally:
                _judged.reset(token)

        return method

    def connection_query(original: Any) -> Any:
        def query(self: Any, sql: Any, unbuffered: bool = False) -> Any:
            if _judged.get() is not self or _modes.may_mangle(self, self.encoding):
                _judge(self, sql, plain_query)
            return original(self, sql, unbuffered)

        return query

    _driver.replace(module.cursors.Cursor, "execute", cursor_method)
    _driver.replace(module.cursors.Cursor, "executemany", cursor_method)
    _driver.replace(module.connections.Connection, "query", connection_query)


_driver = Driver("pymysql", _patch)
install, uninstall = _driver.install, _driver.uninstall

"""SQL through psycopg 3, synchronous and asynchronous, whatever the kind of cursor.

Every cursor sends through one of five generators of its base class; each is asked for its text
before the driver puts anything into it. Where the driver and not the server does that (client
cursors, COPY) and a placeholder stands inside a literal, what leaves is judged as well. Not
reached: libpq's own functions (`connection.pgconn`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from stockade.firewall.driver import Driver
from stockade.firewall.engine import Guard
from stockade.firewall.sinks.composed import is_written
from stockade.firewall.sinks.placeholders import replaces_in_literals
from stockade.firewall.sinks.session_modes import postgresql_guard, read_text

__all__ = ["install", "uninstall"]


def _judge(cursor: Any, query: Any, module: Any, *, binds: bool = False) -> bool:
    """Whether what the driver makes of the statement is to be judged as well."""
    is_developers: Callable[[], bool] | None = None
    if isinstance(query, str):
        text = query
    elif isinstance(query, bytes | bytearray | memoryview):
        text = read_text(bytes(query), cursor._encoding)
    else:
        text = module.sql.as_string(query, cursor)
        is_developers = partial(is_written, query, module.sql)

    guard = _guard(cursor, text)
    guard.check(text, is_developers)
    return binds and replaces_in_literals(guard, text)


def _judge_merged(cursor: Any, query: Any, parameters: Any) -> None:
    from psycopg import _queries, adapt

    merging = _queries.PostgresClientQuery(adapt.Transformer(cursor))
    merging.convert(query, parameters)
    text = read_text(merging.query, cursor._encoding)
    _guard(cursor, text).check(text)


def _guard(cursor: Any, text: str) -> Guard:
    def parameter(name: str) -> str | None:
        value = cursor._pgconn.parameter_status(name.encode())
        return value.decode() if value is not None else None

    return postgresql_guard(_driver.guards, text, parameter)


def _patch(module: Any) -> None:
    from psycopg import _cursor_base, _server_cursor_base
    from psycopg.client_cursor import ClientCursorMixin

    def generator(original: Any) -> Any:
        def generate(self: Any, query: Any, params: Any = None, *more: Any, **keywords: Any) -> Any:
            binds = params is not None and isinstance(self, ClientCursorMixin)
            if _judge(self, query, module, binds=binds):
                _judge_merged(self, query, params)
            return original(self, query, params, *more, **keywords)

        return generate

    def many(original: Any) -> Any:
        def generate(self: Any, query: Any, params_seq: Any, *more: Any, **keywords: Any) -> Any:
            if _judge(self, query, module, binds=isinstance(self, ClientCursorMixin)):
                params_seq = list(params_seq)
                for params in params_seq:
                    _judge_merged(self, query, params)
            return original(self, query, params_seq, *more, **keywords)

        return generate

    def copying(original: Any) -> Any:
        def generate(self: Any, statement: Any, params: Any = None, **keywords: Any) -> Any:
            if _judge(self, statement, module, binds=bool(params)):
                _judge_merged(self, statement, params)
            return original(self, statement, params, **keywords)

        return generate

    base = _cursor_base.BaseCursor
    _driver.replace(base, "_execute_gen", generator)
    _driver.replace(base, "_stream_send_gen", generator)
    _driver.replace(base, "_executemany_gen_pipeline", many)
    _driver.replace(base, "_executemany_gen_no_pipeline", many)
    _driver.replace(base, "_start_copy_gen", copying)
    _driver.replace(_server_cursor_base.ServerCursorMixin, "_declare_gen", generator)


_driver = Driver("psycopg", _patch)
install, uninstall = _driver.install, _driver.uninstall

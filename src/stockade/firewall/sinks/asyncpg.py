"""SQL through asyncpg, with or without its pool.

A pool's proxies keep the public methods of the connection as they were, so what is guarded lies
below them: where a statement is prepared or looked up among the prepared, and the three ways to
the protocol that prepare none.
"""

from __future__ import annotations

import re
import sys
from typing import Any

from stockade.firewall.constants import is_constant
from stockade.firewall.driver import Driver
from stockade.firewall.sinks.session_modes import postgresql_guard

__all__ = ["install", "uninstall"]

# What `copy_from_query` makes of a query, the options being words, numbers and single marks.
_COPIED = re.compile(r"COPY \((.*)\) TO STDOUT (?:\((?:[\w ,()]|'.')*\))?\Z", re.DOTALL).match


def _judge(protocol: Any, text: str, is_developers: Any = None) -> None:
    settings = protocol.get_settings()

    def parameter(name: str) -> str | None:
        return getattr(settings, name, None)

    postgresql_guard(_driver.guards, text, parameter).check(text, is_developers)


def _is_copied(text: str) -> bool:
    copied = _COPIED(text)
    return copied is not None and is_constant(copied[1])


def _patch(module: Any) -> None:
    introspection = sys.modules["asyncpg.introspection"]
    own = {text for text in vars(introspection).values() if isinstance(text, str)}

    def _get_statement(original: Any) -> Any:
        def get(self: Any, query: str, *arguments: Any, **keywords: Any) -> Any:
            if query not in own:
                _judge(self._protocol, query)
            return original(self, query, *arguments, **keywords)

        return get

    def send(original: Any) -> Any:
        def method(self: Any, text: str, *arguments: Any, **keywords: Any) -> Any:
            if text not in own:
                _judge(self, text, lambda: _is_copied(text))
            return original(self, text, *arguments, **keywords)

        return method

    def get_reset_query(original: Any) -> Any:
        def get(self: Any) -> str:
            text: str = original(self)
            own.add(text)
            return text

        return get

    connection, protocol = module.connection.Connection, module.protocol.Protocol
    _driver.replace(connection, "_get_statement", _get_statement)
    _driver.replace(connection, "get_reset_query", get_reset_query)
    for name in ("query", "copy_out", "copy_in"):
        _driver.replace(protocol, name, send)


_driver = Driver("asyncpg", _patch)
install, uninstall = _driver.install, _driver.uninstall

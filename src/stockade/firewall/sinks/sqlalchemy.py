"""SQL through SQLAlchemy, whatever the driver: an engine event before the cursor executes.

It reaches what the drivers' own sinks cannot: drivers without a sink yet, and asynchronous engines,
whose worker threads know nothing of the request. A statement that SQLAlchemy built without any
textual fragment is the developer's own, whatever values it holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import wrapt

from stockade.firewall.engine import Guard

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

__all__ = ["install", "uninstall"]

_guards: dict[str, Guard] = {}
_listening = False
_registered = False


def _before_cursor_execute(
    connection: Connection,
    cursor: Any,
    statement: str,
    parameters: Any,
    context: Any,
    executemany: bool,
) -> None:
    guard = _guards.get(connection.dialect.name)
    if guard is not None:
        guard(statement, lambda: _is_generated(context))


def _is_generated(context: Any) -> bool:
    """Whether every piece of the statement came from constructs that quote what they are given."""
    from sqlalchemy.sql import visitors

    compiled = getattr(context, "compiled", None)
    element = getattr(compiled, "statement", None)
    if element is None:
        return False
    return not any(
        part.__visit_name__ in ("textclause", "textual_select", "textual_label_reference")
        or getattr(part, "is_literal", False)
        or getattr(part, "literal_execute", False)
        or getattr(part, "_prefixes", None)
        or getattr(part, "_suffixes", None)
        or getattr(part, "_hints", None)
        or getattr(part, "_statement_hints", None)
        or _is_custom_operator(part)
        for part in visitors.iterate(element)
    )


def _is_custom_operator(part: Any) -> bool:
    operator = getattr(part, "operator", None)
    return type(operator).__name__ == "custom_op"


def _listen(module: Any) -> None:
    global _listening
    if not _listening:
        from sqlalchemy import event
        from sqlalchemy.engine import Engine

        event.listen(Engine, "before_cursor_execute", _before_cursor_execute)
        _listening = True


def install(guards: Mapping[str, Guard]) -> None:
    """Guard every engine, now or once SQLAlchemy is imported; `guards` by name of the dialect."""
    global _registered
    _guards.update(guards)
    if not _registered:
        _registered = True
        wrapt.register_post_import_hook(_listen, "sqlalchemy.engine")


def uninstall() -> None:
    """Check no statement any more."""
    _guards.clear()

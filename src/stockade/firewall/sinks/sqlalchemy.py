"""SQL through SQLAlchemy, whatever the driver: an engine event before the cursor executes.

It reaches drivers that have no sink of their own. A statement that SQLAlchemy built without any
textual fragment is the developer's own, whatever values it holds; the driver's sink, which sees
only the text but knows the modes of its session, is told by `handed_on`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import wrapt

from stockade.core.context import current
from stockade.firewall.constants import is_constant
from stockade.firewall.engine import Guard, HandedOn, handed_on
from stockade.firewall.sinks.psycopg2 import is_guarded

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
    if not _guards:
        return
    dialect = connection.dialect
    request = current()
    if dialect.driver in _OWN_SINK or (dialect.driver == "psycopg2" and is_guarded(cursor)):
        handed_on.set(HandedOn(statement, request, lambda: _is_generated(context)))
        return
    guard = _guards.get(_DIALECTS.get(dialect.name, dialect.name))
    if guard is not None:
        guard.check(statement, lambda: _is_generated(context))
        handed_on.set(HandedOn(statement, request))


# Their sinks judge every statement, in the modes that its session has; so does psycopg2's where it
# reaches the cursor.
_OWN_SINK = frozenset(("psycopg", "psycopg_async", "asyncpg", "pymysql", "aiomysql", "mysqldb"))
_DIALECTS = {"mariadb": "mysql", "cockroachdb": "postgresql"}


# Each admits text of the caller's into the statement as it stands.
_TEXTUAL = frozenset({"textual_select", "textual_label_reference"})
_TEXT_ATTRIBUTES = (
    "is_literal",
    "literal_execute",
    "_prefixes",
    "_suffixes",
    "_hints",
    "_statement_hints",
)


def _is_generated(context: Any) -> bool:
    """Whether every piece of the statement came from constructs that quote what they are given, or
    is text that stands in the code.

    Not so for DDL, which holds types, defaults and whole statements as text.
    """
    from sqlalchemy.sql import visitors

    compiled = getattr(context, "compiled", None)
    element = getattr(compiled, "statement", None)
    if element is None or not getattr(compiled, "is_sql", False):
        return False
    return not any(
        part.__visit_name__ in _TEXTUAL
        or (part.__visit_name__ == "textclause" and not is_constant(getattr(part, "text", "")))
        or any(getattr(part, attribute, None) for attribute in _TEXT_ATTRIBUTES)
        or type(getattr(part, "operator", None)).__name__ == "custom_op"
        or _has_unquoted_name(part)
        or _has_written_type(part)
        or not str(getattr(part, "field", "x")).isidentifier()  # EXTRACT(field FROM …)
        for part in visitors.iterate(element)
    )


def _has_unquoted_name(part: Any) -> bool:
    table = getattr(part, "table", None)
    return any(
        getattr(getattr(named, attribute, None), "quote", None) is False
        for named in (part, table)
        for attribute in ("name", "schema")
    )


def _has_written_type(part: Any) -> bool:
    """Whether a CAST names a type whose own class writes it, or a collation."""
    if part.__visit_name__ not in ("cast", "try_cast", "typeclause"):
        return False
    kind = part.type
    return (
        kind.__visit_name__ == "user_defined"
        or not type(kind).__module__.startswith("sqlalchemy.")
        or bool(getattr(kind, "collation", None))
    )


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

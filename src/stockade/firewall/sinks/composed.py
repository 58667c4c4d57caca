"""Queries that psycopg and psycopg2 put together from `sql.SQL`, `sql.Literal` and the like."""

from __future__ import annotations

import re
from typing import Any

from stockade.firewall.constants import is_constant

__all__ = ["is_written"]

# What joins parts: blanks and marks that say nothing by themselves.
_GLUE = re.compile(r"[\s,().=]*\Z").match


def is_written(query: Any, module: Any) -> bool:
    """Whether every text in a composed query stands in the code of the callers.

    `module` is the driver's `sql`; what its other classes hold, they quote.
    """
    if isinstance(query, module.Composed):
        return all(is_written(part, module) for part in query)
    if isinstance(query, module.SQL):
        text = query.as_string(None)
        return bool(_GLUE(text)) or is_constant(text)
    return isinstance(query, module.Composable) and type(query).__module__ == module.__name__

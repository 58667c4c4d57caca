"""Names that end up in code: identifiers, and the columns that a client may sort by.

A name of letters, digits and underscores is one token in SQL, shells and templates; but which token
a client may choose is the application's decision, so `sort_key` takes the list of them.

Sources: ASVS 5.0 V1.2.4 (names of tables and columns cannot be bound); CWE-89; PostgreSQL,
"Identifiers and Key Words" (63 bytes).
"""

from __future__ import annotations

import re
from typing import Annotated, LiteralString, NamedTuple, TypeAlias

from stockade.boundary.validator import Validator, rejects

__all__ = ["Identifier", "SortKey", "identifier", "sort_key"]

PATTERN = "^[A-Za-z_][A-Za-z0-9_]{0,62}$"
_IDENTIFIER = re.compile(PATTERN[:-1] + r"\Z")


@rejects(
    "Expected a name of letters, digits and underscores that begins with no digit.",
    max_length=63,
    plain=r"\A[A-Za-z_][A-Za-z0-9_]{0,62}\z",
    pattern=PATTERN,
)
def identifier(value: str) -> str:
    """`value`."""
    if not _IDENTIFIER.match(value):
        raise ValueError
    return value


Identifier: TypeAlias = Annotated[str, identifier]
"""One ASCII name, at most 63 characters. It may be a keyword, or a name not meant to be seen."""


class SortKey(NamedTuple):
    """One of the declared columns, and the direction."""

    column: str
    descending: bool


def sort_key(*columns: LiteralString) -> Validator[SortKey]:
    """What a client may sort by: one of `columns`, with a `-` before it for descending.

    Use it as `Annotated[SortKey, sort_key("name", "created")]`.
    """
    choices = {
        prefix + column: SortKey(column, prefix == "-")
        for column in columns
        for prefix in ("", "-")
    }

    @rejects(
        "Expected one of the columns that can be sorted by, with a - for descending order.",
        max_length=64,
        enum=list(choices),
    )
    def sort_key(value: str) -> SortKey:
        try:
            return choices[value]
        except KeyError:
            raise ValueError from None

    return sort_key

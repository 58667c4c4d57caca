"""Placeholders of a driver (`%s`, `%(name)s`) that stand inside a literal, a name or a comment.

A driver that puts parameters into the text by itself replaces these too, with quotes of its own:
the literal ends there, and what was bound is code. One that the developer wrote so (`'%s'` for a
number), or that a layer above made of a value (`:name` in SQLAlchemy's `text`), is judged by what
leaves the driver. One that a value brought is refused at once: with a precision (`%(name).1s`) it
is a lone quote, whatever was bound.

Sources: printf-style formatting of Python, which PyMySQL, aiomysql and mysqlclient use; psycopg2
and psycopg know `%s`, `%b`, `%t` and the same with a name.
"""

from __future__ import annotations

import re
from bisect import bisect_left

from stockade.firewall.grammars import Finding
from stockade.firewall.grammars.sql_scanner import Dialect, scan
from stockade.firewall.grammars.sql_spellings import fold
from stockade.firewall.grammars.sql_values import SqlValues

__all__ = ["PLACEHOLDER", "brought_by", "within_literals"]

PLACEHOLDER = "sql.placeholder"

# A doubled sign is one sign; all else that may end a format counts, for drivers differ.
_PLACEHOLDERS = re.compile(r"%%|%(?:\(|[#0\- +]*+(?:\d++|\*)?+(?:\.(?:\d++|\*)?+)?+[A-Za-z%])")


def within_literals(text: str, dialect: Dialect) -> list[int]:
    """Where placeholders stand that are not code; all those behind what cannot be parsed."""
    places = [match.start() for match in _PLACEHOLDERS.finditer(text) if match[0] != "%%"]
    if not places or dialect.opener(text, 0) is None:
        return []
    spans, broken_at = scan(text, dialect)
    found: list[int] = []
    for place in places:
        index = bisect_left(spans, (place + 1, 0, 0, 0)) - 1
        if (index >= 0 and place < spans[index].end) or 0 <= broken_at <= place:
            found.append(place)
    return found


def brought_by(text: str, values: SqlValues, places: list[int]) -> Finding | None:
    """A value that one of the placeholders at `places` is a part of."""
    low = fold(text)
    for value in values.values:
        for spelling in value.spellings_in(low):
            if "%" not in spelling or value.mark is not None:
                continue
            start = low.find(spelling)
            while start >= 0:
                end = start + len(spelling)
                index = bisect_left(places, start)
                if index < len(places) and places[index] < end:
                    return Finding(PLACEHOLDER, _REASON, value.item, start, end)
                start = low.find(spelling, start + 1)
    return None


_REASON = "A value of this request is a placeholder, which the driver replaces in a literal too."

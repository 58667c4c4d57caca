"""The shape of a query: its words and operators, with each literal, number and parameter as `?`.

Two runs of one query that differ only in what their literals hold have one shape. Lists in
parentheses count as one element, however long.
"""

from __future__ import annotations

import re

from stockade.firewall.grammars.sql_scanner import Dialect, scan

__all__ = ["COMMENT", "LITERAL", "UNTERMINATED", "Shape", "difference", "shape_of"]

LITERAL = "?"
COMMENT = "/**/"
UNTERMINATED = "<unterminated>"

Shape = tuple[str, ...]
"""Tokens, folded; names in quotes keep them."""

_TOKEN = re.compile(r"[^\W\d][\w$]*|\d[\w.]*|\.\d\w*|%\(\w+\)s|%s|[:$@]\w+|\?\d*|[^\w\s]").findall
_LIST = re.compile(r"\( \?(?: , \?)* \)(?: , \( \?(?: , \?)* \))*")


def shape_of(sql: str, dialect: Dialect) -> Shape:
    """The shape of `sql`; `UNTERMINATED` ends one of which the rest cannot be read."""
    spans, broken_at = scan(sql, dialect)
    tokens: list[str] = []
    position = 0
    for span in spans:
        tokens += _code(sql[position : span.start])
        opening = sql[span.start]
        if opening in "-/#":
            tokens.append(COMMENT)
        elif opening in "`[" or (opening == '"' and '"' not in dialect.backslash):
            tokens.append(sql[span.start : span.end].lower())
        else:
            tokens.append(LITERAL)
        position = span.end
    tokens += _code(sql[position:] if broken_at < 0 else sql[position:broken_at])
    if broken_at >= 0:
        tokens.append(UNTERMINATED)
    return tuple(_LIST.sub("(?)", " ".join(tokens)).split(" "))


def _code(text: str) -> list[str]:
    return [
        LITERAL
        if token[0].isdigit() or token[0] == "?" or (len(token) > 1 and token[0] in "%:$@.")
        else token.lower()
        for token in _TOKEN(text)
    ]


def difference(new: Shape, known: Shape) -> tuple[Shape, Shape]:
    """What stands in one shape and not in the other, between their common beginning and end."""
    start, most = 0, min(len(new), len(known))
    while start < most and new[start] == known[start]:
        start += 1
    end = 0
    while end < most - start and new[-1 - end] == known[-1 - end]:
        end += 1
    return new[start : len(new) - end], known[start : len(known) - end]

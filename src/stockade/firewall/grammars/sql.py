"""SQL: a value may stand wholly inside one literal, quoted name or comment, or be one bare token.

A bare token is a name or a number, or a list of these as a client chooses columns by (`id, name
desc`); so is text that is nothing but operators and blanks (`, `, `()`, `>=`): it cannot say
anything by itself, and stands in every other query. Values that are single
marks (`'`, a backslash, `;`) occur in nearly every text: `sql_marks` says when they are evidence.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import TypeAlias

from stockade.core.inputs import Input, Inputs
from stockade.firewall.grammars import Finding
from stockade.firewall.grammars.sql_marks import marks_of, misused
from stockade.firewall.grammars.sql_scanner import Dialect, scan

__all__ = ["SqlGrammar", "fold"]

# A bare name, dotted name or number is one token wherever the developer's text admits a token.
_PLAIN = re.compile(r"[\w.]*+\Z|[+-]?\d++(?:\.\d++)?\Z").match
# A list of such tokens, each with a direction perhaps (`name desc`, `id,name`, `1, 2`): what allow-
# lists hold and clients choose from. As with one token, what is left is a dangerous choice.
_LIST = re.compile(
    r"[\w.]++(?:[ \t]+(?:asc|desc))?+(?:[ \t]*,[ \t]*[\w.]++(?:[ \t]+(?:asc|desc))?+)*+\Z",
    re.IGNORECASE,
).match
# No quote, no comment, no backslash, no semicolon: nothing here ends a token or a statement.
_OPERATORS = re.compile(r"[\s=<>!,()?%|&~^+.:@]*+\Z").match

Value: TypeAlias = tuple[Input, str, list[str], frozenset[str] | None]
"""A value; a piece of it that all its spellings hold; the spellings to look for; for a mark, the
tokens of the request's other values."""


def fold(text: str) -> str:
    """`text` without regard to case; every character keeps its place, whatever its neighbours."""
    if text.isascii():
        return text.lower()
    # The one letter that grows in lower case, the one whose lower case depends on what follows it,
    # and those whose upper case is an ASCII letter.
    lowered = text.replace("\u0130", "i").lower()  # I with dot above
    lowered = lowered.replace("\u03c2", "\u03c3")  # final sigma, sigma
    return lowered.replace("\u0131", "i").replace("\u017f", "s")  # dotless i, long s


def _spellings(value: str) -> list[str]:
    """`value` as it stands in a query: raw, and escaped in each way that drivers and people do."""
    forms = [value]
    if not value.isascii():  # an application may change the case, and with it the length
        forms += (value.lower(), value.upper(), value.casefold(), value.title())
    found: list[str] = []
    for form in dict.fromkeys(forms):
        found.append(form)
        for quote in "'\"`":
            if quote in form:
                found.append(form.replace(quote, quote * 2))
        if "\\" in form or "'" in form or '"' in form:
            slashed = form.replace("\\", "\\\\")
            found += (
                slashed,
                slashed.replace("'", "\\'"),
                slashed.replace("'", "\\'").replace('"', '\\"'),
                slashed.replace("'", "''"),
                form.replace("'", "\\'").replace('"', '\\"'),
            )
    return list(dict.fromkeys(fold(spelling) for spelling in found))


_UNESCAPED = re.compile(r"[^'\"`\\]+").findall


def _value(item: Input, spellings: list[str]) -> Value:
    # Most values stand nowhere in the text: then one search says so, not one a spelling.
    pieces = _UNESCAPED(spellings[0]) if item.value.isascii() else ()
    return item, max(pieces, key=len, default=""), spellings, None


class SqlGrammar:
    """The rule for one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect

    def prepare(self, inputs: Inputs) -> tuple[Value, ...]:
        """Values that are more than one token, with the spellings to look for, and marks."""
        found: list[Value] = []
        tokens: list[str] = []
        for item in inputs:
            value = item.value
            bare = value.strip(" \t")  # blanks at its ends do not make it two tokens
            if _PLAIN(bare):
                tokens.append(bare)
                if bare[:1] == "-" and not self.dialect.dash_needs_space:
                    found.append((item, bare, ["-" + bare], None))  # behind a minus: a comment
            elif _OPERATORS(value) or _LIST(bare):
                tokens.append(value)
            elif len(value) > 1 and value.strip(value[0]):
                found.append(_value(item, _spellings(value)))
            elif value[0] == "#" or (len(value) > 1 and value[0] not in "'\"`"):
                found.append((item, value, [value], None))
        for item, mark, others in marks_of(inputs, self.dialect, tokens):
            found.append((item, mark, [mark], others))
        return tuple(found)

    def check(self, text: str, values: tuple[Value, ...]) -> Finding | bool:
        """The first value that is not wholly inside one literal, quoted name or comment."""
        low = text.lower() if text.isascii() else fold(text)
        hits = [
            (item, spelling, others)
            for item, piece, spellings, others in values
            if piece in low
            for spelling in spellings
            if spelling in low
        ]
        if not hits:
            return False
        spans, broken_at = scan(text, self.dialect)
        for item, spelling, others in hits:
            if others is not None:
                if misused(text, spelling, spans, broken_at, others):
                    return _finding("mark", item, 0, 0)
                continue
            found = _outside(low, spelling, spans, broken_at)
            if found is not None:
                return _finding(found[0], item, found[1], found[1] + len(spelling))
        if broken_at >= 0:
            for item, _, others in hits:
                if others is None:
                    return _finding("unparsable", item, 0, 0)
        return True


_NO_SPAN = (-1, -1, -1, -1)


def _outside(
    low: str, spelling: str, spans: Sequence[tuple[int, int, int, int]], broken_at: int
) -> tuple[str, int] | None:
    """The first place where `spelling` is not wholly inside one span, and the rule it breaks."""
    size = len(spelling)
    start = low.find(spelling)
    while start >= 0:
        end = start + size
        index = bisect_left(spans, (start + 1, 0, 0, 0)) - 1
        _, content_start, content_end, span_end = spans[index] if index >= 0 else _NO_SPAN
        if start < content_start or content_end < end:
            if 0 <= broken_at < end:
                return "unterminated", start
            reaches = index + 1 < len(spans) and spans[index + 1][0] < end
            crosses = reaches or start < span_end
            return "crosses-literal" if crosses else "is-code", start
        # Every further place that ends inside this span's content is inside it as well.
        start = low.find(spelling, content_end - size + 1)
    return None


_REASONS = {
    "crosses-literal": "A value of this request ends a literal, name or comment of the query.",
    "is-code": "A value of this request is more than one token of the query.",
    "unterminated": "A value of this request leaves the query unterminated.",
    "unparsable": "A value of this request stands in a query that cannot be parsed.",
    "mark": "A value of this request is a mark that moves the ends of the query's literals.",
}


def _finding(rule: str, value: Input, start: int, end: int) -> Finding:
    return Finding(f"sql.{rule}", _REASONS[rule], value, start, end)

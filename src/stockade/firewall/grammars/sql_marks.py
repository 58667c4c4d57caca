"""When a value that is a single mark (`'`, a backslash, `-`, `;` …) moves the ends of literals.

Such a mark stands in nearly every text, mostly the developer's, so that its place proves nothing.
What it does shows: two stray quotes (one at each end of `' AND pw='`) turn the developer's code
into a literal, and the values between into code. Quotes at the edges of two longer values do the
same. Honest text that looks so (a literal with two escaped quotes, in a request that brings stray
quotes too) is refused; docs/threat-model.md says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import NamedTuple, TypeAlias

from stockade.core.inputs import Input
from stockade.firewall.grammars.sql_scanner import Dialect, Span

__all__ = ["MARKS", "Mark", "marks_of", "misused"]

MARKS = "'\"`\\-;/*"
"""What may be a mark."""

_TOKEN = re.compile(r"[\w.]+|[^\w\s.]")
_DOUBLED_TWICE = {q: re.compile(rf"{q}{q}[^{q}]++(?:{q}[^{q}]++)*+{q}{q}").search for q in "'\"`"}
_ESCAPED_QUOTE = re.compile(r"(?<!\\)(?:\\\\)*+\\['\"]").search


Tokens: TypeAlias = Callable[[], frozenset[str]]
"""The tokens of the request's other values, read when they are first asked for."""


class Mark(NamedTuple):
    """A value that is a mark, or has one at its edge; what it was read out of, if it was."""

    item: Input
    mark: str
    others: Tokens
    origin: str


def marks_of(
    edged: Iterable[Input], origin: Callable[[str], str], dialect: Dialect, tokens: Sequence[str]
) -> Iterator[Mark]:
    """The marks among the values; `tokens` are the values that are one token each."""
    edges: dict[str, list[Input]] = {}
    for item in edged:
        value = item.value
        first, last = value[:1], value[-1:]
        if len(value) == 1 and first in "-;/*":
            edges.setdefault(first, []).append(item)
        elif last == "\\" and (dialect.backslash or dialect.escape_strings):
            edges.setdefault("\\", []).append(item)
        for edge in {first, last}:
            if edge in _DOUBLED_TWICE:
                edges.setdefault(edge, []).append(item)
    if not edges:
        return

    @cache
    def others() -> frozenset[str]:
        return frozenset(token for value in tokens for token in _TOKEN.findall(value.lower()))

    for mark, items in edges.items():
        # One value with a quote at its edge breaks the query by itself, or stands in a literal;
        # what was read out of it is no second one.
        lone = next((item for item in items if not item.value.strip(mark)), None)
        if mark not in _DOUBLED_TWICE or lone or len({origin(it.value) for it in items}) > 1:
            chosen = lone or items[0]
            whole = origin(chosen.value)
            yield Mark(chosen, mark, others, "" if whole == chosen.value else whole)


def misused(text: str, mark: str, spans: Sequence[Span], broken_at: int, others: Tokens) -> bool:
    """Whether `mark`, a value of the request, shows as one that moved the end of a literal."""
    if mark in _DOUBLED_TWICE:
        return broken_at >= 0 or _swaps_code_and_literals(text, mark, spans, others)
    if mark == "\\":
        return broken_at >= 0 or any(
            text[span.start] in "'\"" and _ESCAPED_QUOTE(text, span.start + 1, span.content_end)
            for span in spans
        )
    if mark == ";":
        return _starts_a_statement(text, spans, others)
    if mark == "-":
        return any(text[span.start] == "-" and not _set_apart(text, span) for span in spans)
    # A comment that never ends, be it an error or (SQLite) none.
    last = spans[-1].start if spans and spans[-1].end == len(text) else broken_at
    return last >= 0 and text.startswith("/*", last) and not text.endswith("*/")


def _swaps_code_and_literals(text: str, quote: str, spans: Sequence[Span], others: Tokens) -> bool:
    doubled_twice = _DOUBLED_TWICE[quote]
    quoted_until = -1
    for span in spans:
        if text[span.start] != quote:
            quoted_until = -1
            continue
        if doubled_twice(text, span.content_start, span.content_end):
            return True
        if quoted_until >= 0 and _only_values(text[quoted_until : span.start], others):
            return True
        quoted_until = span.end
    return False


def _only_values(code: str, others: Tokens) -> bool:
    """Whether the code between two literals is nothing but the request's values (and `%`)."""
    tokens = _TOKEN.findall(code.lower())
    return bool(tokens) and all(token == "%" or token in others() for token in tokens)  # noqa: S105


def _starts_a_statement(text: str, spans: Sequence[Span], others: Tokens) -> bool:
    position = 0
    for start, end in [*((span.start, span.end) for span in spans), (len(text), len(text))]:
        for piece in text[position:start].split(";")[1:]:
            first = _TOKEN.search(piece)
            if first and first[0].lower() in others():
                return True
        position = end
    return False


def _set_apart(text: str, span: Span) -> bool:
    """Whether a line comment has blanks around its dashes, as people write them."""
    return (span.start == 0 or text[span.start - 1].isspace()) and (
        span.content_start == span.end or text[span.content_start].isspace()
    )

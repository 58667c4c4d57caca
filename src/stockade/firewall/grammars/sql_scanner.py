"""Where the literals, quoted names and comments of a SQL text are; all between them is code.

The scanner searches for the next character that can open one of these and dispatches to an
expression for it, so that a query costs microseconds. Where the modes that a session may be in
read a text differently, or the versions of a server do, it is taken as broken from there on.

Sources: PostgreSQL's scan.l, MySQL's and MariaDB's sql_lex.cc, SQLite's tokenize.c;
tests/firewall/grammars/test_sql_scanner.py compares with the servers themselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from stockade.firewall.grammars.sql_dialects import (
    DIALECTS,
    MYSQL,
    POSTGRESQL,
    SQLITE,
    Dialect,
    may_swallow,
)

__all__ = ["DIALECTS", "MYSQL", "POSTGRESQL", "SQLITE", "Dialect", "Span", "scan"]

Match: TypeAlias = Callable[[str, int], re.Match[str] | None]


class Span(NamedTuple):
    """A literal, quoted name or comment: its ends, and those of its content."""

    start: int
    content_start: int
    content_end: int
    end: int


_new = tuple.__new__  # a named tuple's own costs twice as much, and a query has many


def _matcher(pattern: str) -> Match:
    return re.compile(pattern, re.DOTALL).match


# Possessive, so that an unterminated literal fails in linear time.
_QUOTED: dict[str, Match] = {q: _matcher(f"{q}(?:[^{q}]++|{q}{q})*+{q}") for q in "'\"`"}
_ESCAPED: dict[str, Match] = {q: _matcher(rf"{q}(?:[^{q}\\]++|{q}{q}|\\.)*+{q}") for q in "'\""}
# Between the parts of one literal: white space with a line end in it, and comments.
_CONTINUES = _matcher(
    r"(?:[ \t\f\v]|--[^\n\r]*+)*+[\n\r](?:[ \t\f\v\n\r]|--[^\n\r]*+[\n\r])*+(?=')"
)
_DOLLAR = _matcher(r"\$(?:[A-Za-z_\x80-\U0010ffff][A-Za-z_0-9\x80-\U0010ffff]*+)?\$")
_WORD_BEFORE = re.compile(r"[A-Za-z0-9_$\x80-\U0010ffff]")
_COMMENT_EDGE = re.compile(r"/\*|\*/").search
_LINE_END = {False: re.compile(r"\n").search, True: re.compile(r"[\n\r]").search}
_OPENS_IN_COMMENT = re.compile(r"""['"`#;\0]|--|/\*""").search


def scan(sql: str, dialect: Dialect) -> tuple[list[Span], int]:
    """The spans of `sql` in order, and where the text stops making sense (-1: nowhere)."""
    spans, broken_at = _scan(sql, dialect)
    for other in dialect.also:
        spans, broken_at = _alike((spans, broken_at), _scan(sql, other))
    if dialect.multibyte and (doubt := may_swallow(sql)):
        spans, broken_at = _cut(spans, broken_at, doubt.start())
    return spans, broken_at


def _alike(one: tuple[list[Span], int], other: tuple[list[Span], int]) -> tuple[list[Span], int]:
    """What both readings hold, up to the first span where they part."""
    if one == other:
        return one
    for index, (left, right) in enumerate(zip(one[0], other[0], strict=False)):
        if left != right:
            return _cut(one[0][:index], one[1], min(left.start, right.start))
    shorter, longer = sorted((one, other), key=lambda reading: len(reading[0]))
    count = len(shorter[0])
    ends = [reading[1] for reading in (one, other) if reading[1] >= 0]
    ends += [longer[0][count].start] if len(longer[0]) > count else []
    return shorter[0], min(ends)


def _cut(spans: list[Span], broken_at: int, position: int) -> tuple[list[Span], int]:
    kept = [span for span in spans if span.end <= position]
    # The literal in which it stands may end anywhere.
    start = next((span.start for span in spans if span.start <= position < span.end), position)
    return kept, start if broken_at < 0 else min(start, broken_at)


def _scan(sql: str, dialect: Dialect) -> tuple[list[Span], int]:
    spans: list[Span] = []
    position, opener = 0, dialect.opener
    while match := opener(sql, position):
        start = match.start()
        character = sql[start]
        if character in "'\"`":
            if start and dialect.escape_strings and sql[start - 1] in "eEbBxX":
                span = _prefixed(sql, start, character, dialect)
            else:
                end = (
                    _escaped_end(sql, start, character)
                    if character in dialect.backslash
                    else _quoted_end(sql, start, character)
                )
                if end < 0:
                    return spans, start
                position = end + 1
                spans.append(_new(Span, (start, start + 1, end, position)))
                continue
        elif skip := _not_an_opener(sql, start, character, dialect):
            position = start + skip
            continue
        elif character in "-#":
            span = _line_comment(sql, start, 1 if character == "#" else 2, dialect)
        elif character == "/":
            span = _block_comment(sql, start, dialect)
        elif character == "$":
            span = _dollar_quote(sql, start)
        elif character == "[":
            end = sql.find("]", start)
            span = Span(start, start + 1, end, end + 1) if end >= 0 else None
        else:  # a NUL: some libraries stop reading here, others do not
            span = None
        if span is None:
            return spans, start
        spans.append(span)
        position = span.end
    return spans, -1


def _quoted_end(sql: str, start: int, quote: str) -> int:
    """Where the quote stands that ends what begins at `start`; -1 if none does."""
    end = sql.find(quote, start + 1)
    while end >= 0 and sql.startswith(quote, end + 1):  # doubled: one of the content
        end = sql.find(quote, end + 2)
    return end


def _escaped_end(sql: str, start: int, quote: str) -> int:
    """The same where a backslash escapes."""
    end = _quoted_end(sql, start, quote)
    if sql.find("\\", start, end if end >= 0 else len(sql)) >= 0:
        match = _ESCAPED[quote](sql, start)
        return match.end() - 1 if match else -1
    return end


def _not_an_opener(sql: str, start: int, character: str, dialect: Dialect) -> int:
    """How many characters to skip because what stands here opens nothing; 0: it does."""
    if character == "-":
        own = dialect.dash_needs_space and "\x20" < sql[start + 2 : start + 3] < "\x7f"
        return 1 if own else 0
    if character == "$":
        before = _run_before(sql, start)
        in_name = before and before[0] not in "$0123456789"
        return 1 if in_name or not _DOLLAR(sql, start) else 0
    # The server may run what such a comment holds.
    return 3 if character == "/" and _is_hint(sql, start, dialect) and _is_flat(sql, start) else 0


def _dollar_quote(sql: str, start: int) -> Span | None:
    before, tag = _run_before(sql, start), _DOLLAR(sql, start)
    if tag is None or (before and not before.isdigit()):
        return None  # `$1$$…`, `1a$$…`: versions differ in where the number ends
    end = sql.find(tag[0], tag.end())
    return Span(start, tag.end(), end, end + len(tag[0])) if end >= 0 else None


def _is_hint(sql: str, start: int, dialect: Dialect) -> bool:
    return dialect.executable_comments and sql.startswith(("!", "M!", "+"), start + 2)


def _is_flat(sql: str, start: int) -> bool:
    """Whether `/*!…*/` or `/*+…*/` reads the same to a server that runs it and one that skips it.

    The number behind the mark says which versions run it; MySQL skips MariaDB's `/*M!`.
    """
    end = sql.find("*/", start + 3)
    opens = _OPENS_IN_COMMENT(sql, start + 3)
    return end >= 0 and (opens is None or opens.start() > end)


def _run_before(sql: str, position: int) -> str:
    """The letters, digits and dollar signs that stand directly before a position."""
    start = position
    while start and _WORD_BEFORE.match(sql[start - 1]):
        start -= 1
    return sql[start:position]


def _prefixed(sql: str, start: int, quote: str, dialect: Dialect) -> Span | None:
    """A literal or name behind a letter that may belong to it."""
    escapes = quote in dialect.backslash
    continues = False
    if quote == "'":
        before = _run_before(sql, start - 1)
        if not before:  # E'…' escapes; B'…' and X'…' do not, in any mode
            continues = True
            escapes = sql[start - 1] in "eE"
        elif before[0] in "$0123456789":
            return None  # `1E'…'`: versions differ in where the number ends
    matcher = (_ESCAPED if escapes else _QUOTED)[quote]
    match = matcher(sql, start)
    while match and continues and (gap := _CONTINUES(sql, match.end())):
        match = matcher(sql, gap.end())  # E'a' <newline> 'b' is one literal, escapes and all
    return Span(start, start + 1, match.end() - 1, match.end()) if match else None


def _line_comment(sql: str, start: int, width: int, dialect: Dialect) -> Span | None:
    match = _LINE_END[dialect.carriage_return_ends_line](sql, start)
    end = match.start() if match else len(sql)
    if dialect.dash_needs_space:
        if "\0" in sql[start:end]:  # ends the comment for MySQL
            return None
        if width == 2 and start + 2 < end and not sql[start + 2].isascii():
            return None  # a blank in some character sets
    return Span(start, min(start + width, end), end, end)


def _block_comment(sql: str, start: int, dialect: Dialect) -> Span | None:
    if _is_hint(sql, start, dialect):
        return None
    if dialect.nested_comments:
        depth, position = 1, start + 2
        while depth:
            match = _COMMENT_EDGE(sql, position)
            if match is None:
                return None
            position = match.end()
            depth += 1 if match[0] == "/*" else -1
        return Span(start, start + 2, position - 2, position)
    end = sql.find("*/", start + 2)
    if end >= 0:
        return Span(start, start + 2, end, end + 2)
    # SQLite takes an open comment as one that runs to the end, save at the very end of the text.
    if dialect.open_comment_is_comment and start + 2 < len(sql):
        return Span(start, start + 2, len(sql), len(sql))
    return None

"""Where the literals, quoted names and comments of a SQL text are; all between them is code.

The scanner searches for the next character that can open one of these and dispatches to an
expression for it, so that a query costs microseconds. Dialects differ in what opens a literal and
in what a backslash means.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

__all__ = ["MYSQL", "POSTGRESQL", "SQLITE", "Dialect", "Span", "scan"]

Match: TypeAlias = Callable[[str, int], re.Match[str] | None]


class Span(NamedTuple):
    """A literal, quoted name or comment: its ends, and those of its content."""

    start: int
    content_start: int
    content_end: int
    end: int


class Dialect(NamedTuple):
    """What opens a literal or comment, and how it goes on."""

    name: str
    opener: Callable[[str, int], re.Match[str] | None]
    backslash: str
    """The quotes in which a backslash escapes."""
    hash_comments: bool = False
    nested_comments: bool = False
    open_comment_is_comment: bool = False
    dash_needs_space: bool = False
    executable_comments: bool = False
    escape_strings: bool = False
    dollar_quotes: bool = False
    carriage_return_ends_line: bool = False


SQLITE = Dialect(
    "sqlite", re.compile(r"""['"`\[\0]|--|/\*""").search, "", open_comment_is_comment=True
)
POSTGRESQL = Dialect(
    "postgresql",
    re.compile(r"""['"$\0]|--|/\*""").search,
    "",
    nested_comments=True,
    escape_strings=True,
    dollar_quotes=True,
    carriage_return_ends_line=True,
)
MYSQL = Dialect(
    "mysql",
    re.compile(r"""['"`#]|--|/\*""").search,
    "'\"",
    hash_comments=True,
    dash_needs_space=True,
    executable_comments=True,
)


def _matcher(pattern: str) -> Match:
    return re.compile(pattern, re.DOTALL).match


# Possessive, so that an unterminated literal fails in linear time.
_QUOTED: dict[str, Match] = {q: _matcher(f"{q}(?:[^{q}]++|{q}{q})*+{q}") for q in "'\"`"}
_ESCAPED: dict[str, Match] = {q: _matcher(rf"{q}(?:[^{q}\\]++|{q}{q}|\\.)*+{q}") for q in "'\""}
_CONTINUES = _matcher(r"[ \t\f\v]*[\n\r]\s*(?=')")
_DOLLAR = _matcher(r"\$(?:[^\W\d]\w*)?\$")
_COMMENT_EDGE = re.compile(r"/\*|\*/").search
_LINE_END = {False: re.compile(r"\n").search, True: re.compile(r"[\n\r]").search}


def scan(sql: str, dialect: Dialect) -> tuple[list[Span], int]:
    """The spans of `sql` in order, and where the text stops making sense (-1: nowhere)."""
    spans: list[Span] = []
    position, size, opener = 0, len(sql), dialect.opener
    while match := opener(sql, position):
        start = match.start()
        character = sql[start]
        if character in "'\"`":
            span = _quoted(sql, start, character, dialect)
        elif character == "-":
            if dialect.dash_needs_space and start + 2 < size and sql[start + 2] > " ":
                position = start + 1
                continue
            span = _line_comment(sql, start, 2, dialect)
        elif character == "#":
            span = _line_comment(sql, start, 1, dialect)
        elif character == "/":
            if dialect.executable_comments and sql.startswith(("!", "M!"), start + 2):
                position = start + 3  # the server runs what such a comment holds
                continue
            span = _block_comment(sql, start, dialect)
        elif character == "$":
            if _is_word(sql, start - 1) or (tag := _DOLLAR(sql, start)) is None:
                position = start + 1
                continue
            end = sql.find(tag[0], tag.end())
            span = Span(start, tag.end(), end, end + len(tag[0])) if end >= 0 else None
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


def _is_word(sql: str, position: int) -> bool:
    return position >= 0 and (sql[position].isalnum() or sql[position] in "_$")


def _quoted(sql: str, start: int, quote: str, dialect: Dialect) -> Span | None:
    escape_string = (
        dialect.escape_strings
        and quote == "'"
        and start > 0
        and sql[start - 1] in "eE"
        and not _is_word(sql, start - 2)
    )
    match = (_ESCAPED if escape_string or quote in dialect.backslash else _QUOTED)[quote](
        sql, start
    )
    while match and escape_string and (gap := _CONTINUES(sql, match.end())):
        match = _ESCAPED["'"](sql, gap.end())  # E'a' <newline> 'b' is one literal, escapes and all
    return Span(start, start + 1, match.end() - 1, match.end()) if match else None


def _line_comment(sql: str, start: int, width: int, dialect: Dialect) -> Span:
    match = _LINE_END[dialect.carriage_return_ends_line](sql, start)
    end = match.start() if match else len(sql)
    return Span(start, min(start + width, end), end, end)


def _block_comment(sql: str, start: int, dialect: Dialect) -> Span | None:
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

"""The literals of a sed script: patterns and replacements, the text of `a`, `i` and `c`, comments.

Source: POSIX sed, GNU sed's manual. Where implementations differ (a delimiter within a bracket
expression), the script is not understood from there on. What stands behind `e`, `w`, `r` and labels
is no literal.
"""

from __future__ import annotations

import re

__all__ = ["literals_of_sed"]

Span = tuple[int, int, str]

_BETWEEN = re.compile(r"[\s;{}]+").match
_ADDRESS = re.compile(r"\d+(?:~\d+)?|\$|[,+~!]|[ \t]+").match
_FLAGS = re.compile(r"[gpImMi\d]*+").match
_PLAIN_COMMAND = re.compile(r"[=dDgGhHnNpPxzlLqQ][ \t]*\d*").match
_LABEL = re.compile(r"[btT][ \t]*[\w.-]*").match
_TEXT = re.compile(r"[aic][ \t]*(?:\\\n)?").match
_LINE = re.compile(r"(?:[^\\\n]++|\\.)*+", re.DOTALL).match
_REST = re.compile(r"[^\n]*+").match


def literals_of_sed(script: str) -> tuple[list[Span], int]:
    """The literals, in order, and where the script is no longer understood (-1: nowhere)."""
    spans: list[Span] = []
    position = 0
    while position < len(script):
        following = _step(script, position, spans)
        if following <= position:
            return spans, position
        position = following
    return spans, -1


def _step(script: str, position: int, spans: list[Span]) -> int:
    """The position behind the next piece; `position` where there is no saying what it is."""
    for reads in (_BETWEEN, _ADDRESS, _PLAIN_COMMAND, _LABEL):
        if found := reads(script, position):
            return found.end()
    character = script[position]
    if character == "#":
        end = _end(_REST(script, position + 1))
        spans.append((position + 1, end, ""))
        return end
    if character == "/":
        return _section(script, position + 1, "/", spans) or position
    if character == "\\":
        delimiter = script[position + 1 : position + 2]
        return _section(script, position + 2, delimiter, spans) or position
    if character in "sy":
        return _substitution(script, position, spans)
    if text := _TEXT(script, position):
        end = _end(_LINE(script, text.end()))
        spans.append((text.end(), end, "\n\\"))
        return end
    return position


def _substitution(script: str, position: int, spans: list[Span]) -> int:
    delimiter = script[position + 1 : position + 2]
    middle = _section(script, position + 2, delimiter, spans)
    end = _section(script, middle, delimiter, spans) if middle else 0
    if not end:
        return position
    # Flags that run (`e`) or write (`w`) what follows are left for what is not understood.
    return _end(_FLAGS(script, end))


def _section(script: str, start: int, delimiter: str, spans: list[Span]) -> int:
    """The position behind what ends with `delimiter`; 0 where that is not certain."""
    if delimiter in ("", "\n", "\\") or delimiter.isalnum():
        return 0
    mark = re.escape(delimiter)
    found = re.compile(rf"(?:[^\\\n{mark}]++|\\.)*+(?={mark})", re.DOTALL).match(script, start)
    if found is None or found[0].count("[") > found[0].count("]"):
        return 0
    spans.append((start, found.end(), ""))
    return found.end() + 1


def _end(found: re.Match[str] | None) -> int:
    return found.end() if found else 0

"""Text on a terminal: safe to show, measured in columns, wrapped at the terminal's width."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from typing import NamedTuple

__all__ = ["Piece", "columns", "printable", "wrapped"]

_MOST_MARKS = 4
"""Marks on one letter: no script needs more, and a heap of them paints over other lines."""


class Piece(NamedTuple):
    """A text in one style; the style is an escape sequence of ours, or empty."""

    text: str
    style: str = ""


def printable(text: str) -> str:
    """`text` with all that could steer a terminal, or reorder a line, as visible escapes."""
    if text.isascii() and text.isprintable():
        return text
    shown: list[str] = []
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if character.isprintable() and marks <= _MOST_MARKS:
            shown.append(character)
        else:
            code = ord(character)
            shown.append(f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")
    return "".join(shown)


def columns(text: str) -> int:
    """How many columns a terminal needs for `text` (UAX #11: wide characters take two)."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.east_asian_width(character) in "WF":
        return 2
    return 0 if unicodedata.category(character) in ("Mn", "Me", "Cf") else 1


def wrapped(pieces: Iterable[Piece], width: int | None, indent: int, reset: str) -> str:
    """The pieces, a blank between two, in lines of at most `width` columns; None: in one line.

    `indent` columns stand before each line but the first; `reset` ends a style.
    """
    lines: list[list[str]] = [[]]
    used = 0
    for word, style in _words(pieces, width, indent):
        size = columns(word)
        blank = 1 if lines[-1] else 0
        if width is not None and lines[-1] and used + blank + size > width:
            lines.append([])
            used, blank = indent, 0
        lines[-1].append(f"{style}{word}{reset}" if style and word else word)
        used += blank + size
    return ("\n" + " " * indent).join(" ".join(words) for words in lines)


def _words(pieces: Iterable[Piece], width: int | None, indent: int) -> Iterator[tuple[str, str]]:
    for text, style in pieces:
        for word in text.split(" "):
            if width is None or columns(word) <= width - indent:
                yield word, style
            else:
                for part in _broken(word, max(2, width - indent)):
                    yield part, style


def _broken(word: str, most: int) -> Iterator[str]:
    part, used = "", 0
    for character in word:
        size = _columns(character)
        if used + size > most:
            yield part
            part, used = "", 0
        part += character
        used += size
    yield part

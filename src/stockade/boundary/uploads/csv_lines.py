"""CSV on the way out, for spreadsheets: a cell that would be a formula is made text.

Text that begins with `= + - @`, tab, CR or LF (or a wide form, or blanks before it) gets an
apostrophe in front, inside the quotes that every cell has. Numbers are written as they are, so pass
numbers as numbers: -5 stays -5, and the text "-5" becomes '-5.

What it does not stop: a reader that takes the apostrophe off again and evaluates the rest.
Sources: OWASP, CSV Injection; RFC 4180, 2; ASVS 5.0 V1.2.10; CWE-1236.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import TypeAlias

__all__ = ["Cell", "csv_lines"]

Cell: TypeAlias = str | int | float | Decimal | None
"""What a cell may hold; a boolean is written as text, None as an empty cell."""

_ACTING = frozenset("=+-@\t\r\n")


def csv_lines(rows: Iterable[Iterable[Cell]]) -> Iterator[str]:
    """One line for each row, CRLF included, every cell in quotes. Raises TypeError for other types.

    Encode as UTF-8, and send with `download_headers`.
    """
    for row in rows:
        yield ",".join([_cell(value) for value in row]) + "\r\n"


def _cell(value: Cell) -> str:
    if value is None:
        return '""'
    if isinstance(value, bool):
        return f'"{value}"'
    if isinstance(value, (int, float, Decimal)):
        return f'"{value}"' if math.isfinite(value) else f'"\'{value}"'
    if not isinstance(value, str):
        raise TypeError("a cell is text, a number or None: convert other values to text first")
    return '"' + _text(value.replace("\x00", "")).replace('"', '""') + '"'


def _text(value: str) -> str:
    first = value.lstrip(" \xa0\ufeff\u200b")[:1]
    acts = first in _ACTING or unicodedata.normalize("NFKC", first) in _ACTING
    return "'" + value if first and acts else value

"""CSV in one dialect: RFC 4180 with commas, in UTF-8, read in bounded memory.

Strict, so that everybody who reads the file later sees the same cells: quotes stand around a whole
field or not at all, every record has as many fields as the first, no NUL and no other control
character but tab and line ends inside quotes. A line may end in LF alone, and a byte order mark at
the start is dropped, for common programs write both.

A cell may well begin with `=`: on the way in that is text. What makes a formula of it is a
spreadsheet, so the defence stands on the way out: `csv_lines`.
Sources: RFC 4180, 2; RFC 3629; ASVS 5.0 V1.2.10, V2.2.1; CWE-1236.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from stockade.boundary.uploads.contract import Contract, Judged
from stockade.boundary.uploads.kinds import HEAD, KINDS, Kind, is_svg, sniff
from stockade.boundary.uploads.refusal import Unfit, refuse

__all__ = ["Csv"]

_CHUNK: Final = 1 << 16
# Possessive: each character is looked at once, however often quotes are doubled.
_FIELD = re.compile(r'(?:"((?:[^"]|"")*+)"|([^",\r\n]*+))(,|\r\n|\n|\Z)')
_QUOTED = re.compile(r'"(?:[^"]|"")*+"')
_BARE = re.compile(r'[^",\r\n]*+[",\r\n]')
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
_MARK: Final = "\ufeff"


class Csv(Contract):
    """A table: `columns` names the first record's fields, where the file must have them so."""

    def __init__(
        self,
        *,
        columns: tuple[str, ...] = (),
        max_rows: int = 100_000,
        max_columns: int = 100,
        max_cell: int = 10_000,
        max_bytes: int = 10 << 20,
    ) -> None:
        """`max_cell` is in characters; `max_rows` counts the header, too."""
        self.kinds = (KINDS["csv"],)
        self.columns = columns
        self.max_rows = max_rows
        self.max_columns = max_columns
        self.max_cell = max_cell
        self.max_bytes = max_bytes

    def judge(self, file: BinaryIO, kind: Kind) -> Judged:
        """See Contract. Every record is read."""
        for _ in self._records(file):
            pass
        return Judged(kind)

    def rows(self, file: BinaryIO) -> Iterator[list[str]]:
        """The records as lists of cells, the header among them. Raises Rejected, with an event."""
        try:
            file.seek(0)
            yield from self._records(file)
        except Unfit as unfit:
            refused = refuse(unfit)
        else:
            return
        raise refused

    def _recognised(self, file: BinaryIO) -> Kind:
        file.seek(0)
        head = file.read(HEAD)
        if not head:
            raise Unfit("empty", "The file is empty.")
        if sniff(head) or is_svg(head):
            raise self.other_type()
        return self.kinds[0]

    def _records(self, file: BinaryIO) -> Iterator[list[str]]:
        width = rows = 0
        for record in self._split(file):
            rows += 1
            if rows > self.max_rows:
                raise Unfit("csv-rows", f"The table may have at most {self.max_rows:,} rows.")
            if rows == 1:
                width = len(record)
                if self.columns and tuple(record) != self.columns:
                    names = ", ".join(self.columns)
                    raise Unfit("csv-columns", f"Expected the columns {names}, in this order.")
            if len(record) != width:
                raise Unfit("csv-columns", "Every row has to have as many cells as the first.")
            yield record
        if not rows:
            raise Unfit("empty", "The file is empty.")

    def _split(self, file: BinaryIO) -> Iterator[list[str]]:
        record: list[str] = []
        text, at, more = "", 0, True
        pieces = _decoded(file)
        # The most that a field can take: every character a doubled quote, and its own two.
        longest = 2 * self.max_cell + 4
        while True:
            while more and len(text) - at < longest:
                piece = next(pieces, None)
                more = piece is not None
                text, at = text[at:] + (piece or ""), 0
            if at == len(text) and not record:
                return
            match = _FIELD.match(text, at, min(len(text), at + longest))
            if match is None or (not match[3] and match.end() < len(text)):
                raise self._unreadable(text, at, longest)
            cell = match[2] if match[1] is None else match[1].replace('""', '"')
            if len(cell) > self.max_cell:
                raise self._too_long()
            record.append(cell)
            at = match.end()
            if len(record) > self.max_columns:
                detail = f"The table may have at most {self.max_columns:,} columns."
                raise Unfit("csv-columns", detail)
            if match[3] != ",":
                yield record
                record = []

    def _unreadable(self, text: str, at: int, longest: int) -> Unfit:
        full = len(text) - at >= longest
        quoted = text[at] == '"'
        if full and not (_QUOTED if quoted else _BARE).match(text, at, at + longest):
            return self._too_long()
        return Unfit("csv-malformed", "The file is not CSV as RFC 4180 has it.")

    def _too_long(self) -> Unfit:
        return Unfit("csv-cell", f"A cell may have at most {self.max_cell:,} characters.")


def _decoded(file: BinaryIO) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    first = True
    while True:
        data = file.read(_CHUNK)
        try:
            text = decoder.decode(data, final=not data)
        except UnicodeDecodeError:
            raise Unfit("csv-encoding", "The file is not text in UTF-8.") from None
        if first and text:
            text, first = text.removeprefix(_MARK), False
        if _CONTROL.search(text):
            raise Unfit("csv-control", "The file holds control characters.")
        if text:
            yield text
        if not data:
            return

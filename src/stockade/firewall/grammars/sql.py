"""SQL: a value may stand wholly inside one literal, quoted name or comment, or be one bare token.

`sql_values` says which values can change a structure; single marks (`'`, a backslash, `;`) occur in
nearly every text, and `sql_marks` says when they are evidence; `sql_fragments` looks for parts of
values that the application changed first.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from time import monotonic
from typing import Protocol

from stockade.core.inputs import Input, Inputs
from stockade.firewall.grammars import Finding
from stockade.firewall.grammars.sql_fragments import Code
from stockade.firewall.grammars.sql_marks import misused
from stockade.firewall.grammars.sql_scanner import Dialect, Span, scan
from stockade.firewall.grammars.sql_spellings import fold
from stockade.firewall.grammars.sql_values import SqlValues, prepare

__all__ = ["FRAGMENT", "SqlGrammar"]

FRAGMENT = "sql.fragment"
"""The rule of the second opinion on parts of values."""


class Shapes(Protocol):
    """The second opinion on the shape of a query; `firewall.learned_shapes` has it."""

    next: float
    """When, by `time.monotonic`, a text should be learned again."""

    def judge(self, text: str, low: str, values: SqlValues) -> Finding | None:
        """What a value does in `text`; `low` is the same folded, less the values that stand in it
        whole.
        """
        ...

    def learn(self, text: str) -> None:
        """Take `text`, in which no value has any part, as one of its call site."""
        ...


class SqlGrammar:
    """The rule for one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.fragments = True
        """Whether parts of values are looked for."""
        self.shapes: Shapes | None = None
        self.strict = False
        """Whether `shapes` is to see every text."""

    def prepare(self, inputs: Inputs) -> tuple[SqlValues, ...]:
        """Values that are more than one token, with the spellings to look for, and marks."""
        return prepare(inputs, self.dialect, fragments=self.fragments, strict=self.strict)

    def check(self, text: str, values: tuple[SqlValues, ...]) -> Finding | bool:
        """The first value that is not wholly inside one literal, quoted name or comment."""
        prepared = values[0]
        low = text.lower() if text.isascii() else fold(text)
        for key in prepared.keys:
            if key in low:
                return self._look(text, low, prepared)
        shapes = self.shapes
        if shapes is not None and monotonic() >= shapes.next:
            shapes.learn(text)
        return False

    def _look(self, text: str, low: str, prepared: SqlValues) -> Finding | bool:
        """The verdict on a text that may hold a value, or words of one."""
        occurs = False
        for anchor in prepared.anchors:
            if anchor in low:
                verdict, low = self._judge(text, low, prepared)
                if not isinstance(verdict, bool):
                    return verdict
                occurs = verdict
                break
        shapes = self.shapes
        if shapes is None:
            return occurs
        for word in prepared.words:
            if word in low:
                return shapes.judge(text, low, prepared) or occurs
        if monotonic() >= shapes.next:
            shapes.learn(text)
        return occurs

    def _judge(self, text: str, low: str, prepared: SqlValues) -> tuple[Finding | bool, str]:
        """The verdict, and `low` without the values that stand in it whole."""
        spans, broken_at = scan(text, self.dialect)
        hits = [
            (value, spelling)
            for value in prepared.values
            if value.anchor in low
            for spelling in value.spellings_in(low)
        ]
        for value, spelling in hits:
            item, mark = value.item, value.mark
            if mark is not None:
                # A part of a value that stands there whole is not there by itself.
                if not any(mark.origin == value.item.value for value, _ in hits) and misused(
                    text, spelling, spans, broken_at, mark.others
                ):
                    return _finding("mark", item, 0, 0), low
                continue
            found = _outside(low, spelling, spans, broken_at)
            if found is not None:
                return _finding(found[0], item, found[1], found[1] + len(spelling)), low
        if broken_at >= 0:
            for value, _ in hits:
                if value.mark is None:
                    return _finding("unparsable", value.item, 0, 0), low
        for _, spelling in hits:  # what stands in the query whole, accounts for its parts
            if len(spelling) > 1:
                low = low.replace(spelling, "\0" * len(spelling))
        for part in prepared.parts:
            if part in low:
                standing = {value.item for value, _ in hits}
                return _fragment(low, prepared, spans, standing) or bool(hits), low
        return bool(hits), low


def _fragment(
    low: str, prepared: SqlValues, spans: list[Span], standing: set[Input]
) -> Finding | None:
    """A part of a value that acts; not of those that stand whole inside a literal."""
    code = Code(low, spans)
    for value in prepared.values:
        if value.item in standing:
            continue
        place = code.first_part(value.folded, value.fragments)
        if place is not None:
            return _finding("fragment", value.item, *place)
    return None


_NO_SPAN = (-1, -1, -1, -1)
# As with a bare name, one whole quoted name is one token; ORMs quote every name they write.
_NAME = re.compile(r'"[\w.$-]*+"|`[\w.$-]*+`').fullmatch


def _outside(
    low: str, spelling: str, spans: Sequence[tuple[int, int, int, int]], broken_at: int
) -> tuple[str, int] | None:
    """The first place where `spelling` is not wholly inside one span, and the rule it breaks."""
    size = len(spelling)
    start = low.find(spelling)
    while start >= 0:
        end = start + size
        index = bisect_left(spans, (start + 1, 0, 0, 0)) - 1
        span_start, content_start, content_end, span_end = spans[index] if index >= 0 else _NO_SPAN
        if start < content_start or content_end < end:
            if start == span_start and end == span_end and _NAME(spelling):
                start = low.find(spelling, end)
                continue
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
    "fragment": "A part of a value of this request is code of the query.",
    "unterminated": "A value of this request leaves the query unterminated.",
    "unparsable": "A value of this request stands in a query that cannot be parsed.",
    "mark": "A value of this request is a mark that moves the ends of the query's literals.",
}


def _finding(rule: str, value: Input, start: int, end: int) -> Finding:
    return Finding(f"sql.{rule}", _REASONS[rule], value, start, end)

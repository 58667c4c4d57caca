"""Parts of a value that act in a query in which the value does not stand whole.

An application that cuts, strips, squeezes or replaces within a value hides it from the rule for
whole values; but of an attack that still works some run of six characters mostly survives, two of
which act in SQL, or of nine with one that does, or else a run of three words. It is evidence where
it stands outside the literals, or across the edge of one: there the value, and not the developer,
wrote code.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from stockade.firewall.grammars.sql_scanner import Span

__all__ = ["NO_FRAGMENTS", "Code", "Fragments", "fragments_of", "is_part_of"]

_RUN, _LONG_RUN = 6, 9
_MAX_VALUE = 4_096
_MAX_PARTS = 24
_MAX_PLACES = 64
_ACTS = re.compile(r"['\"`\\;()=<>|#]|--|/\*").search
_ACTING = re.compile(r"['\"`\\;()=<>|#]|--|/\*").finditer
_THREE_WORDS = re.compile(r"(?=(?<!\w)(\w+\s+\w+\s+\w+)(?!\w))").findall


class Fragments(NamedTuple):
    """What to look for of a value's parts: a few characters around each that acts; word runs."""

    anchors: tuple[str, ...]
    words: tuple[str, ...]

    @property
    def are_all(self) -> bool:
        """Whether every telling part of the value is among these."""
        return 0 < len(self.anchors) < _MAX_PARTS and len(self.words) < _MAX_PARTS

    def within(self, part: str) -> Fragments:
        """The same for a part of the value, of whole words."""
        if not self.words:
            return self
        return Fragments(self.anchors, tuple(run for run in self.words if run in part))


NO_FRAGMENTS = Fragments((), ())


def fragments_of(value: str) -> Fragments:
    """The telling parts of a folded `value`; none of one that is very long."""
    if len(value) > _MAX_VALUE:
        return NO_FRAGMENTS
    spoken = value.split()
    squeezed = "".join(spoken)
    anchors: dict[str, None] = {}
    if len(squeezed) >= _RUN and _ACTS(squeezed):
        _around(value, anchors)
        if squeezed != value:
            _around(squeezed, anchors)
    words: dict[str, None] = {}
    if len(spoken) > 2:
        for run in _THREE_WORDS(value):
            if not run.replace(" ", "").isdigit():
                words.update({run: None, " ".join(run.split()): None})
    if not anchors and not words:
        return NO_FRAGMENTS
    return Fragments(tuple(anchors)[:_MAX_PARTS], tuple(words)[:_MAX_PARTS])


def is_part_of(part: str, whole: str) -> bool:
    """Whether `part` stands in `whole`, and no word is cut at its ends."""
    at = whole.find(part)
    return at >= 0 and _stands_alone(whole, at, at + len(part))


def _around(text: str, anchors: dict[str, None]) -> None:
    """Add each part of `text` that acts, with the two characters before it and those behind it."""
    for match in _ACTING(text):
        start, end = match.span()
        if end > 2:
            anchors[text[max(start - 2, 0) : end]] = None
        if len(text) > start + 2:
            anchors[text[start : end + 2]] = None
        if len(anchors) > _MAX_PARTS:
            break


class Code:
    """A folded query, and which of its characters are not wholly inside one of its `spans`."""

    __slots__ = ("_code", "_kept", "_squeezed", "low", "spans")

    def __init__(self, low: str, spans: Sequence[Span]) -> None:
        self.low = low
        self.spans = spans
        self._kept: list[int] = []
        self._squeezed = ""
        self._code: dict[int, bool] = {}

    def first_part(self, value: str, fragments: Fragments) -> tuple[int, int] | None:
        """Where the first part of a folded `value` stands in the code."""
        low, spans = self.low, self.spans
        for words in fragments.words:
            for start in _places(low, words):
                end = start + len(words)
                if _stands_alone(low, start, end) and _is_outside(start, end, spans):
                    return start, end
        looked_at: set[int] = set()  # most anchors of a value stand beside each other
        squeezed = ""
        for anchor in fragments.anchors:
            for at in _places(low, anchor):
                squeezed = squeezed or "".join(value.split())
                for index in self._runs_around(at, at + len(anchor)):
                    if index in looked_at:
                        continue
                    looked_at.add(index)
                    if self._is_code(index) and (place := self._shared(index, squeezed)):
                        return place
        return None

    def _runs_around(self, start: int, end: int) -> range:
        """Which runs of the query without its blanks lie around `low[start:end]`."""
        if not self._kept:
            self._kept = [at for at, character in enumerate(self.low) if not character.isspace()]
            self._squeezed = "".join(self.low.split())
        first = bisect_left(self._kept, start - 3 * _RUN)
        last = bisect_left(self._kept, end + 3 * _RUN)
        return range(first, last - _RUN + 1)

    def _is_code(self, index: int) -> bool:
        """Whether of the run that begins with the `index`-th character any may be code."""
        known = self._code.get(index)
        if known is None:
            last = self._kept[min(index + _LONG_RUN, len(self._kept)) - 1]
            known = _is_outside(self._kept[index], last + 1, self.spans)
            self._code[index] = known
        return known

    def _shared(self, index: int, value: str) -> tuple[int, int] | None:
        """The run that begins there, if it is one of the squeezed `value` and tells something."""
        run, size = self._squeezed[index : index + _RUN], _RUN
        if run not in value or not (acts := _ACTS(run)):
            return None
        if _ACTS(run, acts.end()) is None:  # `(selec` stands in many a query
            size = _LONG_RUN
            run = self._squeezed[index : index + size]
            if len(run) < size or run not in value:
                return None
        start, end = self._kept[index], self._kept[index + size - 1] + 1
        if _is_outside(start, end, self.spans) and not _names_only(
            self.low, start, end, self.spans
        ):
            return start, end
        return None


def _places(text: str, part: str) -> Iterator[int]:
    at = -1
    for _ in range(_MAX_PLACES):
        at = text.find(part, at + 1)
        if at < 0:
            return
        yield at


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether whole words begin and end there."""
    before, behind = text[start - 1 : start], text[end : end + 1]
    return not (before.isalnum() or before == "_" or behind.isalnum() or behind == "_")


def _is_outside(start: int, end: int, spans: Sequence[Span]) -> bool:
    index = bisect_right(spans, start, key=lambda span: span.start) - 1
    return index < 0 or start < spans[index].content_start or spans[index].content_end < end


_BESIDE_NAMES = re.compile(r"[\s,.]*+").fullmatch
_NAME = re.compile(r'"[\w$-]*+"').fullmatch


def _names_only(low: str, start: int, end: int, spans: Sequence[Span]) -> bool:
    """Whether the place holds but whole quoted names, dots and commas, or the ends of such names.

    ORMs write `"id", "name"`, and documents that clients send spell their lists the same way.
    """
    at = start
    index = max(bisect_right(spans, start, key=lambda span: span.start) - 1, 0)
    while index < len(spans) and (span := spans[index]).start < end:
        index += 1
        if span.end <= start:
            continue
        if not _BESIDE_NAMES(low, at, max(span.start, at)) or not _NAME(low, span.start, span.end):
            return False
        at = span.end
    return _BESIDE_NAMES(low, min(at, end), end) is not None

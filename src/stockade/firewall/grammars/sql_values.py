"""A request's values as SQL sees them: which can change a structure, how each may be spelled there.

A bare token is a name or a number, or a list of these as a client chooses columns by (`id, name
desc`); so is text that is nothing but operators and blanks (`, `, `()`, `>=`): it cannot say
anything by itself, and stands in every other query.

Most values stand in no query at all. A short *anchor* for each, which every text holds that the
value stands in, in any spelling, says so at once; and so do a few more for its telling parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from stockade.core.inputs import Input, Inputs, Source
from stockade.firewall.grammars.sql_fragments import (
    NO_FRAGMENTS,
    Fragments,
    fragments_of,
    is_part_of,
)
from stockade.firewall.grammars.sql_marks import MARKS, Mark, marks_of
from stockade.firewall.grammars.sql_scanner import Dialect
from stockade.firewall.grammars.sql_spellings import (
    anchor_of,
    fold,
    pattern_spellings_of,
    spellings_of,
)

__all__ = ["SqlValues", "Value", "prepare"]

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
_WORD = re.compile(r"[^\W\d_]{2,}").findall
_MAX_ANCHORS = 128
"""With more of them, to look for each costs more than to judge every text."""
_MAX_SPOKEN, _MAX_WORDS = 1_024, 12
# A plain value of several words in one (`a_b_c`, `a.b.c`), from which an application may make more.
_MIN_JOINED, _MANY = 12, 3


class Value:
    """A value; its anchor; itself, folded; what it is as a mark; its telling parts."""

    __slots__ = ("_in_patterns", "_spellings", "anchor", "folded", "fragments", "item", "mark")

    def __init__(
        self,
        item: Input,
        folded: str,
        anchor: str | None = None,
        fragments: Fragments = NO_FRAGMENTS,
        mark: Mark | None = None,
    ) -> None:
        """Without an `anchor`, the value has one spelling only: `folded`."""
        self.item = item
        self.folded = folded
        self.anchor = folded if anchor is None else anchor
        self.fragments = fragments
        self.mark = mark
        # Most values stand in no query: how they might be spelled there is found out when asked.
        self._spellings: tuple[str, ...] | None = (folded,) if self.anchor == folded else None
        self._in_patterns: tuple[str, ...] | None = None

    def spellings_in(self, low: str) -> Iterator[str]:
        """The spellings that stand in a folded query."""
        if self.anchor not in low:
            return
        if self._spellings is None:
            self._spellings = spellings_of(self.item.value)
        for spelling in self._spellings:
            if spelling in low:
                yield spelling
        if self.mark is None and "escape" in low:
            if self._in_patterns is None:
                self._in_patterns = pattern_spellings_of(self.item.value)
            for spelling in self._in_patterns:
                if spelling in low:
                    yield spelling


class SqlValues(NamedTuple):
    """What can change the structure of a query, of one request."""

    keys: tuple[str, ...]
    """One of these stands in every text that one of `anchors` or of `words` stands in."""
    anchors: tuple[str, ...]
    """One of these stands in every text that one of the values, or a part of it, stands in."""
    parts: tuple[str, ...]
    """One of these stands in every text that a telling part of one of the values stands in."""
    values: tuple[Value, ...]
    plain: tuple[Input, ...]
    """The values that are one token each."""
    spoken: tuple[tuple[Input, tuple[str, ...]], ...]
    """The values of several words, with the first of these."""
    words: tuple[str, ...]
    """One of these stands in every text that has two words in common with one of the spoken."""


def prepare(
    inputs: Inputs, dialect: Dialect, *, fragments: bool, strict: bool
) -> tuple[SqlValues, ...]:
    """The values of `inputs` that are more than one token, and marks.

    `fragments`: parts of values are looked for. `strict`: every text is to be looked at twice.
    """

    def collect(items: Iterable[Input]) -> _Part:
        return _collect(items, dialect, fragments=fragments)

    shared = inputs.shared.derived(f"sql:{dialect.name}:{fragments}", collect)
    own = collect(inputs.own)
    marks: tuple[Value, ...] = ()
    if own.edged or shared.edged:
        tokens = own.tokens + shared.tokens
        found = marks_of(own.edged + shared.edged, inputs.origin, dialect, tokens)
        marks = tuple(Value(each.item, each.mark, mark=each) for each in found)
    values = (*own.values, *shared.values, *marks)
    if not values and not own.spoken and not shared.spoken and not strict:
        return _NONE
    anchors = own.anchors | shared.anchors
    keys = own.keys | shared.keys
    for value in marks:
        anchors[value.anchor] = keys[value.anchor] = None
    words = own.words | shared.words
    if strict or len(words) > _MAX_ANCHORS:
        words = keys = _ANY
    return (
        SqlValues(
            _few(keys),
            _few(anchors),
            tuple(own.parts | shared.parts),
            values,
            tuple(own.plain),
            (*own.spoken, *shared.spoken),
            _few(words),
        ),
    )


_NONE = (SqlValues((), (), (), (), (), (), ()),)
_ANY = {"": None}
"""What stands in every text."""


def _few(texts: dict[str, None]) -> tuple[str, ...]:
    return ("",) if "" in texts or len(texts) > _MAX_ANCHORS else tuple(texts)


class _Part:
    """What some of a request's inputs come to: the fields of `SqlValues`, and what marks need."""

    __slots__ = (
        "anchors",
        "edged",
        "keys",
        "parts",
        "plain",
        "spoken",
        "tokens",
        "values",
        "words",
    )

    def __init__(self) -> None:
        self.keys: dict[str, None] = {}
        self.anchors: dict[str, None] = {}
        """The parts among them."""
        self.parts: dict[str, None] = {}
        self.values: list[Value] = []
        self.plain: list[Input] = []
        self.spoken: list[tuple[Input, tuple[str, ...]]] = []
        self.words: dict[str, None] = {}
        self.tokens: list[str] = []
        self.edged: list[Input] = []
        """The values that are or begin or end with a mark."""

    def look_for(self, value: Value, words: Sequence[str] = ()) -> None:
        """Look for a value by its anchor; `words` are its own, of which all but one are keys."""
        self.values.append(value)
        telling = self.listen_for(value.item, words)
        if not _holds(value.anchor, value.fragments.anchors):  # else a part is the anchor
            self._anchor(value.anchor, telling)
        for part in (*value.fragments.anchors, *value.fragments.words):
            self._anchor(part, telling)

    def listen_for(self, item: Input, words: Sequence[str]) -> list[str]:
        """Look for two of a value's words: all but the shortest, of which one is then there."""
        if len(words) < 2:
            return []
        self.spoken.append((item, tuple(words)))
        telling = sorted(words, key=len, reverse=True)[:-1]
        for word in telling:
            self.words[word] = self.keys[word] = None
        return telling

    def _anchor(self, anchor: str, telling: Sequence[str]) -> None:
        self.anchors[anchor] = None
        if not _holds(anchor, telling):
            self.keys[anchor] = None


def _holds(text: str, parts: Iterable[str]) -> bool:
    for part in parts:  # noqa: SIM110 - twice as fast as any()
        if part in text:
            return True
    return False


def _collect(items: Iterable[Input], dialect: Dialect, *, fragments: bool) -> _Part:
    found = _Part()
    wordy: list[Input] = []
    for item in items:
        value = item.value
        bare = value.strip(" \t")  # blanks at its ends do not make it two tokens
        if _PLAIN(bare):
            found.tokens.append(bare)
            found.plain.append(item)
            if len(bare) >= _MIN_JOINED and len(said := _words(bare.lower())) >= _MANY:
                found.listen_for(item, said)
            if bare[:1] == "-" and not dialect.dash_needs_space:
                found.look_for(Value(item, "-" + bare))  # behind a minus: a comment
            continue
        if value[0] in MARKS or value[-1] in MARKS:
            found.edged.append(item)
        if _OPERATORS(value) or _LIST(bare):
            found.tokens.append(value)
        elif len(value) > 1 and value.strip(value[0]):
            wordy.append(item)
        elif value[0] == "#" or (len(value) > 1 and value[0] not in "'\"`"):
            found.look_for(Value(item, value))
    _spell(wordy, found, fragments=fragments)
    return found


def _spell(items: Iterable[Input], found: _Part, *, fragments: bool) -> None:
    """Add each value, its anchor, telling parts and words."""
    whole, telling = "", NO_FRAGMENTS
    for item in items:
        value = item.value
        folded = fold(value)
        # Who takes a whole body for a value seldom cuts it; its parts are values of their own.
        own = NO_FRAGMENTS
        if fragments and item.source != Source.BODY:
            if is_part_of(folded, whole):  # it was read out of the value before it
                own = telling.within(folded)
            else:
                own = fragments_of(folded)
                found.parts.update(dict.fromkeys(own.anchors + own.words))
                if own.are_all:
                    whole, telling = folded, own
        found.look_for(Value(item, folded, anchor_of(value, folded), own), _words(folded))


def _words(value: str) -> tuple[str, ...]:
    if len(value) > _MAX_SPOKEN:
        return ()
    return tuple(dict.fromkeys(_WORD(value)))[:_MAX_WORDS]

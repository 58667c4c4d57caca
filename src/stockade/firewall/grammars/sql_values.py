"""A request's values as SQL sees them: which can change a structure, how each may be spelled there.

A bare token is a name or a number, or a list of these as a client chooses columns by (`id, name
desc`); so is text that is nothing but operators and blanks (`, `, `()`, `>=`): it cannot say
anything by itself, and stands in every other query.

Most values stand in no query at all. A short *anchor* for each, which every text holds that the
value stands in, in any spelling, says so at once; and so do a few more for its telling parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
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
from stockade.firewall.grammars.sql_spellings import anchors_of, spellings_of

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


class Value(NamedTuple):
    """A value; the spellings to look for; what it is as a mark; its telling parts."""

    item: Input
    spellings: tuple[str, ...]
    mark: Mark | None = None
    fragments: Fragments = NO_FRAGMENTS


class SqlValues(NamedTuple):
    """What can change the structure of a query, of one request."""

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
        marks = tuple(Value(each.item, (each.mark,), each) for each in found)
    values = own.values + shared.values + marks
    if not values and not own.spoken and not shared.spoken and not strict:
        return _NONE
    anchors = own.anchors | shared.anchors
    for value in marks:
        anchors[value.spellings[0]] = None
    words = own.words | shared.words
    return (
        SqlValues(
            ("",) if "" in anchors or len(anchors) > _MAX_ANCHORS else tuple(anchors),
            own.parts + shared.parts,
            values,
            own.plain,
            own.spoken + shared.spoken,
            ("",) if strict or len(words) > _MAX_ANCHORS else tuple(words),
        ),
    )


_NONE = (SqlValues((), (), (), (), (), ()),)


class _Part(NamedTuple):
    """What some of a request's inputs come to: the fields of `SqlValues`, and what marks need."""

    anchors: dict[str, None]
    """The parts among them."""
    parts: tuple[str, ...]
    values: tuple[Value, ...]
    plain: tuple[Input, ...]
    spoken: tuple[tuple[Input, tuple[str, ...]], ...]
    words: dict[str, None]
    tokens: tuple[str, ...]
    edged: tuple[Input, ...]
    """The values that are or begin or end with a mark."""


def _collect(items: Iterable[Input], dialect: Dialect, *, fragments: bool) -> _Part:
    found: list[Value] = []
    plain: list[Input] = []
    tokens: list[str] = []
    edged: list[Input] = []
    spoken: list[tuple[Input, tuple[str, ...]]] = []
    anchors: dict[str, None] = {}
    wordy: list[Input] = []
    for item in items:
        value = item.value
        bare = value.strip(" \t")  # blanks at its ends do not make it two tokens
        if _PLAIN(bare):
            tokens.append(bare)
            plain.append(item)
            if len(bare) >= _MIN_JOINED and len(said := _words(bare.lower())) >= _MANY:
                spoken.append((item, said))
            if bare[:1] == "-" and not dialect.dash_needs_space:
                found.append(Value(item, ("-" + bare,)))  # behind a minus: a comment
                anchors["-" + bare] = None
            continue
        if value[0] in MARKS or value[-1] in MARKS:
            edged.append(item)
        if _OPERATORS(value) or _LIST(bare):
            tokens.append(value)
        elif len(value) > 1 and value.strip(value[0]):
            wordy.append(item)
        elif value[0] == "#" or (len(value) > 1 and value[0] not in "'\"`"):
            found.append(Value(item, (value,)))
            anchors[value] = None
    parts = _spell(wordy, found, anchors, spoken, fragments=fragments)
    # All words of a value but its shortest: two in common are at least one of these.
    words = {word: None for _, said in spoken for word in sorted(said, key=len, reverse=True)[:-1]}
    return _Part(
        anchors | parts,
        tuple(parts),
        tuple(found),
        tuple(plain),
        tuple(spoken),
        words,
        tuple(tokens),
        tuple(edged),
    )


def _spell(
    items: Iterable[Input],
    found: list[Value],
    anchors: dict[str, None],
    spoken: list[tuple[Input, tuple[str, ...]]],
    *,
    fragments: bool,
) -> dict[str, None]:
    """Add each value in all its spellings, its anchor and its words; give the telling parts."""
    parts: dict[str, None] = {}
    whole, telling = "", NO_FRAGMENTS
    for item in items:
        value = item.value
        spellings = spellings_of(value)
        folded = spellings[0]
        # Who takes a whole body for a value seldom cuts it; its parts are values of their own.
        own = NO_FRAGMENTS
        if fragments and item.source != Source.BODY:
            if is_part_of(folded, whole):  # it was read out of the value before it
                own = telling.within(folded)
            else:
                own = fragments_of(folded)
                parts.update(dict.fromkeys(own.anchors + own.words))
                if own.are_all:
                    whole, telling = folded, own
        found.append(Value(item, spellings, None, own))
        for anchor in anchors_of(value, spellings):
            for part in own.anchors:
                if part in anchor:
                    break  # a text that holds the anchor also holds this part, an anchor as well
            else:
                anchors[anchor] = None
        if len(said := _words(folded)) > 1:
            spoken.append((item, said))
    return parts


def _words(value: str) -> tuple[str, ...]:
    if len(value) > _MAX_SPOKEN:
        return ()
    return tuple(dict.fromkeys(_WORD(value)))[:_MAX_WORDS]

"""How deep and how wide a GraphQL document asks, fragments expanded (GraphQL, October 2021, 2).

Read by the grammar of executable documents, with a stack of its own instead of recursion: a
document of any nesting costs what its length costs. Fragments are measured once each and added up,
so that fragments that double each other cost nothing here, whatever they would cost a resolver.

Values and types are only skipped, by their brackets. What is no executable document is refused:
schema definitions, fragments that are missing or contain themselves, and anything not understood.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from stockade.boundary.bodies.refusal import refuse

__all__ = ["Measured", "measure"]

_MAX_TOKENS = 15_000
_MOST = 1 << 30  # fields; more is only more
_TOKEN = re.compile(
    r"(?:[ \t\r\n,\ufeff]|#[^\r\n]*+)*+"
    r'(?:(?P<name>[A-Za-z_]\w*)|(?P<mark>\.\.\.|[!$&()\[\]{}:=@|])|(?P<text>"""'
    r'(?:[^"\\]|\\"""|\\|"(?!""))*+"""|"(?!"")(?:[^"\\\r\n]|\\.)*+")'
    r"|(?P<number>-?[0-9][0-9.eE+-]*)|(?P<end>\Z))",
    re.ASCII,
)
_OPERATIONS = frozenset(("query", "mutation", "subscription"))
_META = frozenset(("__schema", "__type"))
_CLOSES = {"(": ")", "[": "]", "{": "}"}


class Measured(NamedTuple):
    """Of the operation that asks for most: its depth, its fields; `introspects` of the document."""

    depth: int
    fields: int
    introspects: bool


@dataclass(slots=True)
class _Set:
    """What one definition asks for by itself, and which fragments at which depth."""

    depth: int = 0
    fields: int = 0
    spreads: list[tuple[int, str]] = field(default_factory=list)


def measure(text: str) -> Measured:
    """What the document `text` asks for. Raises Rejected (400) for what is none."""
    reader = _Reader(_tokens(text))
    operations, fragments = reader.document()
    known: dict[str, _Set] = {}
    for name in fragments:
        _expand(name, fragments, known)
    whole = [_total(each, known) for each in operations]
    return Measured(
        max(each.depth for each in whole), max(each.fields for each in whole), reader.introspects
    )


def _tokens(text: str) -> list[str]:
    """Names and marks as they stand; texts and numbers as `""`."""
    found: list[str] = []
    position = 0
    while True:
        match = _TOKEN.match(text, position)
        if match is None or len(found) > _MAX_TOKENS:
            refuse("graphql", "The GraphQL document is malformed, or too long.")
        if match["end"] is not None:
            return found
        found.append(match["name"] or match["mark"] or '""')
        position = match.end()


def _expand(name: str, fragments: dict[str, _Set], known: dict[str, _Set]) -> None:
    """Measure a fragment, those that it spreads first."""
    waiting, under_way = [name], set[str]()
    while waiting:
        name = waiting[-1]
        if name in known:
            waiting.pop()
            continue
        inner = [spread for _, spread in fragments[name].spreads if spread not in known]
        if name in under_way and inner:
            refuse("graphql", "A fragment of the GraphQL document contains itself.")
        under_way.add(name)
        if not all(spread in fragments for spread in inner):
            refuse("graphql", "The GraphQL document spreads a fragment that it does not hold.")
        waiting += inner
        if not inner:
            known[name] = _total(fragments[name], known)


def _total(asked: _Set, known: dict[str, _Set]) -> _Set:
    whole = _Set(asked.depth, asked.fields)
    for depth, name in asked.spreads:
        if name not in known:
            refuse("graphql", "The GraphQL document spreads a fragment that it does not hold.")
        whole.depth = max(whole.depth, depth - 1 + known[name].depth)
        whole.fields = min(whole.fields + known[name].fields, _MOST)
    return whole


class _Reader:
    def __init__(self, tokens: list[str]) -> None:
        self._tokens = [*tokens, "", ""]
        self._at = 0
        self.introspects = False

    def document(self) -> tuple[list[_Set], dict[str, _Set]]:
        """Its operations and fragments."""
        operations: list[_Set] = []
        fragments: dict[str, _Set] = {}
        while self._peek():
            if self._peek() == '""':  # a description
                self._next()
            word = self._peek()
            if word == "fragment":
                name = self._fragment()
                if name in fragments:
                    refuse("graphql", "The GraphQL document names two fragments alike.")
                fragments[name] = self._selections()
            else:
                if word in _OPERATIONS:
                    self._operation()
                operations.append(self._selections())
        if not operations:
            refuse("graphql", "The GraphQL document asks for nothing.")
        return operations, fragments

    def _operation(self) -> None:
        self._next()
        if _is_name(self._peek()):
            self._next()
        self._skip_brackets()
        self._directives()

    def _fragment(self) -> str:
        self._next()
        name = self._name()
        if name == "on" or self._next() != "on":
            self._stop()
        self._name()
        self._directives()
        return name

    def _selections(self) -> _Set:
        """One selection set with everything inside it."""
        asked = _Set()
        if self._next() != "{":
            self._stop()
        depths = [1]
        while depths:
            seen = self._next()
            if seen == "}":  # also of an empty set, which some parsers take
                depths.pop()
                continue
            if seen == "...":
                opens = self._spread(asked, depths[-1])
                inside = depths[-1]
            else:
                opens = self._field(seen, asked, depths[-1])
                inside = depths[-1] + 1
            if opens:
                self._next()
                depths.append(inside)
        return asked

    def _spread(self, asked: _Set, depth: int) -> bool:
        """Behind `...`: a fragment's name, or a set of its own; whether that opens now."""
        if _is_name(self._peek()) and self._peek() != "on":
            asked.spreads.append((depth, self._next()))
            self._directives()
            return False
        if self._peek() == "on":
            self._next()
            self._name()
        self._directives()
        if self._peek() != "{":
            self._stop()
        return True

    def _field(self, name: str, asked: _Set, depth: int) -> bool:
        """A field; whether a selection set opens behind it."""
        if not _is_name(name):
            self._stop()
        if self._peek() == ":":
            self._next()
            name = self._name()
        asked.fields += 1
        asked.depth = max(asked.depth, depth)
        self.introspects = self.introspects or name in _META
        self._skip_brackets()
        self._directives()
        return self._peek() == "{"

    def _directives(self) -> None:
        while self._peek() == "@":
            self._next()
            self._name()
            self._skip_brackets()

    def _skip_brackets(self) -> None:
        """Arguments, or definitions of variables, if there are any."""
        if self._peek() != "(":
            return
        open_now: list[str] = []
        while True:
            token = self._next()
            if token in _CLOSES:
                open_now.append(_CLOSES[token])
            elif token in (")", "]", "}"):
                if open_now.pop() != token:
                    self._stop()
                if not open_now:
                    return
            elif not token:
                self._stop()

    def _name(self) -> str:
        token = self._next()
        if not _is_name(token):
            self._stop()
        return token

    def _peek(self) -> str:
        return self._tokens[self._at]

    def _next(self) -> str:
        token = self._tokens[self._at]
        self._at += bool(token)  # the end stays the end
        return token

    def _stop(self) -> None:
        refuse("graphql", "The GraphQL document is malformed, or too long.")


def _is_name(token: str) -> bool:
    return token.isidentifier()

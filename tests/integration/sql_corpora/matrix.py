"""Values in positions: what the server made of each statement, and what the firewall had said.

A statement *changed* where its outcome is none of those that the harmless values of its position
have: another structure, or an error, be it of syntax, of a name or of a type. What the server does
not tell apart did not change: `it''s` in a string, two literals that it joins, a comment in between.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

from stockade.core.context import RequestContext
from stockade.core.errors import Blocked
from stockade.firewall.engine import Guard
from tests.integration.sql_corpora.positions import Position
from tests.integration.sql_corpora.server import Outcome, Server

__all__ = ["Matrix", "Miss", "Request", "Tick", "choice", "refused"]

Request = Callable[..., AbstractContextManager[RequestContext]]
Tick = Callable[[int, int], None]

# What the threat model lets a value be, told apart here without the firewall's own expressions.
_TOKEN = re.compile(r"[+-]?[\w.]+").fullmatch
_LIST = re.compile(
    r"[\w.]+(\s+(asc|desc))?(\s*,\s*[\w.]+(\s+(asc|desc))?)*", re.IGNORECASE
).fullmatch
_OPERATORS = re.compile(r"[^\w'\"`\\;$#/*\[\]{}-]*").fullmatch


_COLUMNS = (
    "cases", "unsendable", "changed", "changed, runs", "blocked", "token", "list", "operators",
    "missed", "same, refused",
)  # fmt: skip


class Miss(NamedTuple):
    """A statement that changed and was let pass."""

    position: str
    value: str
    outcome: str


def choice(value: str) -> str:
    """What a value is that may pass although it changes a statement; empty: none of these."""
    bare = value.strip()
    if _TOKEN(bare):
        return "token"
    if _LIST(bare):
        return "list"
    return "operators" if _OPERATORS(bare) else ""


def refused(guard: Guard, text: str) -> str:
    """The rule that refuses `text`; empty: it passes."""
    try:
        guard.check(text)
    except Blocked as blocked:
        return blocked.rule
    return ""


class Matrix:
    """Every value in every position of one server: counts, and what was missed."""

    def __init__(self, server: Server, guard: Guard, request_of: Request) -> None:
        self._server = server
        self._guard = guard
        self._request_of = request_of
        self.counts: dict[str, Counter[str]] = {}
        """By position, one for each of `_COLUMNS`."""
        self.rules: Counter[str] = Counter()
        self.choices: Counter[str] = Counter()
        """The values that changed a statement and passed, being a choice of a token."""
        self.misses: list[Miss] = []

    def run(self, positions: Sequence[Position], values: Sequence[str], tick: Tick) -> None:
        expected = {position: self._expected(position) for position in positions}
        for done, value in enumerate(values):
            with self._request_of(value):  # one request, which uses its value everywhere
                for position in positions:
                    self._one(position, value, expected[position])
            if done % 100 == 0:
                tick(done, len(values))

    def _expected(self, position: Position) -> set[Outcome]:
        """What the server makes of the harmless values; the firewall lets them pass, too."""
        self.counts[position.name] = Counter()
        outcomes = set()
        for value in position.harmless:
            sql = position.fill(value)
            outcome = self._server.outcome(sql)
            assert outcome is not None, sql
            assert outcome.runs, (sql, outcome)
            with self._request_of(value):
                assert not refused(self._guard, sql), sql
            outcomes.add(outcome)
        return outcomes

    def _one(self, position: Position, value: str, expected: set[Outcome]) -> None:
        sql, counts = position.fill(value), self.counts[position.name]
        outcome = self._server.outcome(sql)
        counts["cases"] += 1
        if outcome is None:
            counts["unsendable"] += 1
            return
        rule = refused(self._guard, sql)
        if outcome in expected:
            counts["same, refused"] += bool(rule)
            return
        counts["changed"] += 1
        counts["changed, runs"] += outcome.runs
        if rule:
            self.rules[rule] += 1
            counts["blocked"] += 1
        elif kind := choice(value):
            counts[kind] += 1
            self.choices[value] += 1
        else:
            counts["missed"] += 1
            self.misses.append(Miss(position.name, value, outcome.what[:60]))

    def lines(self) -> Iterator[str]:
        """A table of the counts, for people."""
        yield f"{self._server.dialect:10}" + "".join(f"{each:>15}" for each in _COLUMNS)
        total: Counter[str] = sum(self.counts.values(), Counter())
        for name, counts in {**self.counts, "all": total}.items():
            yield f"{name:10}" + "".join(f"{counts[each]:>15,}" for each in _COLUMNS)
        yield f"rules: {dict(self.rules.most_common())}"
        choices = [value for value, _ in self.choices.most_common(12)]
        yield f"choices that passed: {len(self.choices)} values, the first of them {choices}"

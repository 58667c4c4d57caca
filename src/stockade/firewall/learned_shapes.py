"""The shapes that each call site's queries have: a second opinion where values were changed first.

A call site has a few shapes, whatever values come. A new one is a finding only where one value of
the request accounts for most of the change: its words and operators are those of the difference.
Otherwise it is reported, once for each site and shape, and learned: dynamic filters are honest.

Shapes are learned from texts that no value has two words in common with, and not from every run:
at most twenty a second, which is a few thousandths of a core. A call site that has no shape yet has
no second opinion. With `strict`, a bare name where the site had a literal is a finding too, if it
is a value of the request.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterable, Sequence

from stockade.core.bus import emit
from stockade.core.events import Outcome
from stockade.core.inputs import Input
from stockade.firewall.callers import call_site
from stockade.firewall.grammars import Finding
from stockade.firewall.grammars.sql_scanner import Dialect
from stockade.firewall.grammars.sql_shape import (
    COMMENT,
    LITERAL,
    UNTERMINATED,
    Shape,
    difference,
    shape_of,
)
from stockade.firewall.grammars.sql_values import SqlValues

__all__ = ["BARE_NAME", "SHAPE", "LearnedShapes"]

SHAPE = "sql.shape"
BARE_NAME = "sql.bare-name"

_AT_ONCE, _PAUSE = 64, 0.05
"""So many texts are learned as they come; from then on one in so many seconds."""
_MAX_SITES, _MAX_SHAPES = 2_000, 32
_MAX_TEXT = 16_384
_ACCOUNTED = 0.7
_WORDS = re.compile(r"[^\W\d_]{2,}").findall
_PUNCTUATION = frozenset((LITERAL, "(?)", ",", "(", ")", "."))
_TRACES = {COMMENT: ("--", "/*", "#"), UNTERMINATED: ("'", '"', "`", "/*")}
"""What a value must hold that brought a token which stands for others."""


class LearnedShapes:
    """The shapes of one dialect's queries, by call site."""

    def __init__(self, dialect: Dialect, *, strict: bool = False) -> None:
        self._dialect = dialect
        self.strict = strict
        self.next = 0.0
        """When, by `time.monotonic`, a text should be learned again."""
        self._learned = 0
        self._sites: dict[str, dict[Shape, None]] = {}
        self._lock = threading.Lock()

    def learn(self, text: str) -> None:
        """Take `text`, in which no value has any part, as one of its call site."""
        self._learned += 1
        if self._learned >= _AT_ONCE:
            self.next = time.monotonic() + _PAUSE
        if len(text) <= _MAX_TEXT:
            self._learn(call_site(), shape_of(text, self._dialect))

    def judge(self, text: str, low: str, values: SqlValues) -> Finding | None:
        """A finding where `text` has a shape that its call site never had, by a value's doing.

        `low` is the folded text, less the values that stand in it whole.
        """
        suspects = [item for item, words in values.spoken if _two_stand_in(words, low)]
        if (not suspects and not self.strict) or len(text) > _MAX_TEXT:
            return None
        site = call_site()
        shape = shape_of(text, self._dialect)
        known = self._sites.get(site)
        if known is None or shape in known:
            if not suspects:
                self._learn(site, shape)
            return None
        new, old = min((difference(shape, each) for each in known), key=lambda pair: len(pair[0]))
        if self.strict and (item := _bare_name(new, old, values.plain)):
            return Finding(BARE_NAME, _BARE, item, 0, 0)
        for item in suspects:
            if _accounts_for(item.value.lower(), new):
                return Finding(SHAPE, _SHAPE, item, 0, 0)
        self._report(site, shape, len(new))
        return None

    def _learn(self, site: str, shape: Shape) -> bool:
        """Remember a shape; whether it is new."""
        with self._lock:
            if len(self._sites) >= _MAX_SITES and site not in self._sites:
                del self._sites[next(iter(self._sites))]
            shapes = self._sites.setdefault(site, {})
            if shape in shapes:
                return False
            if len(shapes) >= _MAX_SHAPES:
                del shapes[next(iter(shapes))]
            shapes[shape] = None
            return True

    def _report(self, site: str, shape: Shape, tokens: int) -> None:
        if self._learn(site, shape):
            emit(
                "sink_shape_new",
                Outcome.OBSERVED,
                "firewall",
                "A call site sent a query of a shape that it never had; no value explains it.",
                rule=SHAPE,
                call_site=site,
                tokens=tokens,
            )


def _two_stand_in(words: Sequence[str], low: str) -> bool:
    found = 0
    for word in words:
        if word in low:
            found += 1
            if found > 1:
                return True
    return False


def _accounts_for(value: str, new: Iterable[str]) -> bool:
    """Whether most of the tokens of a difference are a value's own words and operators."""
    tokens = [token for token in new if token not in _PUNCTUATION]
    if not tokens:
        return False
    words = set(_WORDS(value))
    squeezed = "".join(value.split())
    spoken = operators = 0
    for token in tokens:
        if token[0].isalpha() or token[0] == "_":
            spoken += token in words or (len(token) > 2 and token in squeezed)
        else:
            operators += any(trace in value for trace in _TRACES.get(token, (token,)))
    # An operator alone stands in many a value.
    enough = spoken > 1 or (spoken and operators > 1)
    return bool(enough) and spoken + operators >= _ACCOUNTED * len(tokens)


def _bare_name(new: Shape, old: Shape, plain: Sequence[Input]) -> Input | None:
    """The value that is the one name in `new` where `old` has a literal."""
    if old != (LITERAL,) or len(new) not in (1, 3):
        return None
    name = "".join(new)
    return next((item for item in plain if item.value.strip().lower() == name), None)


_SHAPE = "A value of this request gives a query a shape that its call site never had."
_BARE = "A value of this request is a name where the query had a literal before."

"""MongoDB: an operator (`$ne`, `$where`) is the developer's; a value may only be a value.

A document is judged as it stands before it is encoded (BSON): every key that begins with `$` and
came from the request as a name (a JSON key, `user[$ne]` in a form or query) is the request's own
operator, unless code on the calling stack holds that key as a constant. In JavaScript (`$where`,
`$function`, `$accumulator`, mapReduce) a value may stand inside one literal or be one bare token.

Not proved against a server: none was at hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from stockade.core.inputs import Input, Inputs, Source
from stockade.firewall.grammars import Finding

__all__ = ["NoSqlGrammar", "Operators", "operators_of"]

_MAX_DEPTH = 100  # MongoDB's own limit of nesting
_IS_OPERATOR = re.compile(r"\$\w+\Z").match
_NAMES = re.compile(r"""[\[.](\$\w+)|["'](\$\w+)["']\s*:""").findall
_WORD = re.compile(r"[\w.]*\Z|[+-]?\d+(?:\.\d+)?\Z").match
# A literal, template without expressions, or comment of JavaScript (ECMA-262, 12).
_SPANS = re.compile(
    r"""'(?:[^'\\\n]|\\.)*+'|"(?:[^"\\\n]|\\.)*+"|`(?:[^`\\$]|\\.|\$(?!\{))*+`"""
    r"""|//[^\n\r\u2028\u2029]*+|/\*.*?\*/""",
    re.DOTALL,
).finditer
_CODE_KEYS = frozenset(
    ("$where", "$code", "accumulate", "body", "finalize", "init", "map", "merge", "reduce")
)


class Operators(NamedTuple):
    """What a document says by itself: its operators, and the JavaScript in it."""

    keys: tuple[str, ...]
    code: tuple[str, ...]


class _Values(NamedTuple):
    operators: Mapping[str, Input]
    texts: tuple[Input, ...]


def operators_of(*documents: object) -> Operators:
    """The operators and the code in filters, updates, pipelines or commands, in order."""
    keys: dict[int, str] = {}  # by identity: see sinks/pymongo.py
    code: list[str] = []
    for document in documents:
        for key, value in _pairs(document, 0):
            if key[:1] == "$":
                keys[id(key)] = key
            is_code = key in _CODE_KEYS or type(value).__name__ == "Code"
            if is_code and isinstance(value, str):
                code.append(str(value))
    return Operators(tuple(keys.values()), tuple(code))


def _pairs(document: object, depth: int) -> Iterator[tuple[str, object]]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(document, Mapping):
        for key, value in document.items():
            if isinstance(key, str):
                yield key, value
            if isinstance(value, Mapping | Sequence) and not isinstance(value, str | bytes):
                yield from _pairs(value, depth + 1)
    elif isinstance(document, Sequence) and not isinstance(document, str | bytes):
        for item in document:
            yield from _pairs(item, depth + 1)


class NoSqlGrammar:
    """Judges a text that is one operator by its name, any other as JavaScript."""

    def prepare(self, inputs: Inputs) -> tuple[_Values, ...]:
        """The operators among the names that the request brought, and values for code."""
        operators: dict[str, Input] = {}
        texts: list[Input] = []
        for item in inputs:
            for key in _names_in(item):
                operators.setdefault(key, item)
            if len(item.value) > 1 and not _WORD(item.value.strip()):
                texts.append(item)
        return (_Values(operators, tuple(texts)),) if operators or texts else ()

    def check(self, text: str, values: tuple[Any, ...]) -> Finding | bool:
        """The first value that is an operator, or more than one token of JavaScript."""
        prepared: _Values = values[0]
        if _IS_OPERATOR(text):
            item = prepared.operators.get(text)
            return _finding("operator", item, 0, len(text)) if item else False
        occurring = [item for item in prepared.texts if item.value in text]
        spans = [(match.start() + 1, match.end() - 1) for match in _SPANS(text)]
        for item in occurring:
            start = text.find(item.value)
            while start >= 0:
                end = start + len(item.value)
                if not any(left <= start and end <= right for left, right in spans):
                    return _finding("code", item, start, end)
                start = text.find(item.value, start + 1)
        return bool(occurring)


def _names_in(item: Input) -> list[str]:
    """The operators that frameworks may read as names: JSON keys, `user[$ne]`, `{"$ne": …}`."""
    if "$" not in item.value:
        return []
    if item.source == Source.JSON_KEY:
        return [item.value]
    return [first or second for first, second in _NAMES(item.value)]


_REASONS = {
    "operator": "A value of this request is an operator of the query, not a value.",
    "code": "A value of this request is more than one token of the query's JavaScript.",
}


def _finding(rule: str, item: Input, start: int, end: int) -> Finding:
    return Finding(f"nosql.{rule}", _REASONS[rule], item, start, end)

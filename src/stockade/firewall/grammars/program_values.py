"""A value in a program of another language: text of one literal, or a bare word or number.

Within a literal all is text but what expands there (`$` in Perl's double quotes). Where the program
runs others (`system("…")`), no character of a literal may act in a shell either.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable

from stockade.core.inputs import Input
from stockade.firewall.grammars.program_literals import Literals, literals_of

__all__ = ["acting_value"]

_HARMLESS = re.compile(r"[\w.]*\Z|[+-]?\d+(?:\.\d+)?\Z").match
_COLUMNS = re.compile(r"\w+(?:\.\w+)?(?:, ?\w+(?:\.\w+)?)*\Z").match
_SQL = ("sqlite", "postgresql", "mysql")
_HAS_WORD = re.compile(r"[^\W_]").search
_BREAKS = frozenset("'\"`\\")
_RUNS = re.compile(
    r"`|\b(?:system|popen\w*|exec\w*|spawn\w*|shell_exec|passthru|proc_open|eval|subprocess|open"
    r"|getline|require|child_process|compile|assert|io|IO|os|pipe|call|run|check_output)\b"
).search
_QUIET = re.compile(r"[\w .,:/@%+=-]*\Z").match
_MAKE_ACTS = frozenset("$`;|&<>\n")


def acting_value(text: str, language: str, values: Iterable[Input]) -> Input | None:
    """The first value that is more than a literal's text, a word or a number in a program."""
    if language == "make":
        return _acting_in_make(text, values)
    literals: Literals | None = None
    runs = False
    for item in values:
        value = item.value.strip()
        if value not in text or _HARMLESS(value) or (language in _SQL and _COLUMNS(value)):
            continue
        if literals is None:
            literals = literals_of(text, language)
            runs = _runs_others(text, language, literals)
        if len(value) == 1 or not _HAS_WORD(value):
            # It cannot do harm alone, but it may be what moved the ends of literals.
            if literals.broken_at >= 0 and not _BREAKS.isdisjoint(value):
                return item
        elif _acts(text, value, literals, runs=runs):
            return item
    return None


def _runs_others(text: str, language: str, literals: Literals) -> bool:
    """Whether the program hands text to a shell, as far as its words say."""
    if language == "sed":
        return literals.broken_at >= 0  # `e`, as a command or a flag, is not understood
    if language in _SQL or language == "jq":
        return False
    code = _code(text, literals)
    return _RUNS(code) is not None or (language == "awk" and "|" in code)


def _acts(text: str, value: str, literals: Literals, *, runs: bool) -> bool:
    """Whether an occurrence of `value` is outside the literals, or acts within one."""
    if runs and not _QUIET(value):
        return True
    spans = literals.spans
    start = text.find(value)
    while start >= 0:
        index = bisect_right(spans, start, key=lambda span: span[0]) - 1
        if index < 0:
            return True
        _, end, acting = spans[index]
        if start + len(value) > end or any(character in acting for character in value):
            return True
        start = text.find(value, max(start + 1, end - len(value) + 1))
    return False


def _code(text: str, literals: Literals) -> str:
    """The program without the contents of its literals."""
    pieces: list[str] = []
    position = 0
    for start, end, _ in literals.spans:
        pieces.append(text[position:start])
        position = end
    pieces.append(text[position:])
    return " ".join(pieces)


def _acting_in_make(text: str, values: Iterable[Input]) -> Input | None:
    """What make expands (`$`), and what a recipe's shell would do where the variable is bare."""
    for item in values:
        value = item.value.strip()
        if value in text and not _MAKE_ACTS.isdisjoint(value):
            return item
    return None

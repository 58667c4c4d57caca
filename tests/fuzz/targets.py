"""What is fuzzed: checks of any text, one after the other; what one raises is a finding."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

from stockade.core.decoding import decoded_spellings
from stockade.core.inputs import InputLimits, Inputs, Source
from stockade.firewall.grammars import Grammar
from stockade.firewall.grammars.path import PathGrammar
from stockade.firewall.grammars.shell import ShellGrammar
from stockade.firewall.grammars.sql import SqlGrammar
from stockade.firewall.grammars.sql_scanner import DIALECTS, SQLITE, scan
from stockade.firewall.grammars.sql_shape import shape_of
from stockade.integrations.body import add_body

__all__ = ["SLOWER", "TARGETS", "Check", "Target"]

Check: TypeAlias = Callable[[], object]
Target: TypeAlias = Callable[[str], Sequence[Check]]

SLOWER = 10.0
"""How much slower instrumented code may be."""

_SQL = (
    "SELECT a FROM t WHERE b = '{}' AND c > 1",
    "SELECT a FROM t WHERE b = {} AND c > 1",
    "SELECT a FROM t WHERE b LIKE '%{}%' -- x",
    "INSERT INTO t (a, b) VALUES ('{}', 2)",
    "SELECT \"{}\" FROM t /* {} */ WHERE x = ''",
    "{}",
)
_SHELL = (
    "grep -- '{}' file",
    'echo "{}"',
    "cat {} | sort",
    "sh -c 'ls {}'",
    "cat <<E\n{}\nE",
    "{}",
)
_PATH = ("/srv/files/{}", "{}", "/srv/{}/x.txt", "../{}", "/srv/files/{}.txt")


def _inputs(*values: str) -> Inputs:
    inputs = Inputs(InputLimits())
    for value in values:
        inputs.add(Source.QUERY, "q", value)
    return inputs


def _check(grammar: Grammar, text: str, *brought: str) -> bool:
    """Whether the grammar finds something in a request that brought these."""
    values = grammar.prepare(_inputs(*brought))
    return bool(values) and not isinstance(grammar.check(text, values), bool)


def _pasted(grammar: Grammar, templates: tuple[str, ...]) -> Target:
    """Two values, from one text, in one of the templates chosen by its first character."""

    def target(text: str) -> Sequence[Check]:
        template = templates[ord(text[0]) % len(templates)] if text else templates[0]
        value, _, other = text[1:].partition("\x1f")
        return (
            partial(_check, grammar, template.replace("{}", value), value, other),
            partial(_check, grammar, text, value[: len(value) // 2], other),
        )

    return target


def _once(check: Callable[[str], object]) -> Target:
    return lambda text: (partial(check, text),)


_database = sqlite3.connect(":memory:")
_database.execute("CREATE TABLE t (a, b, c)")


def _program(sql: str) -> list[tuple[object, ...]] | None:
    """What SQLite compiles `sql` to, less its literals; None where it does not."""
    try:
        rows = _database.execute("EXPLAIN " + sql).fetchall()
    except (sqlite3.Error, sqlite3.Warning, ValueError):
        return None
    return [(row[1], row[2], row[3]) for row in rows]


_HARMLESS = [(text, _program(text.replace("{}", "1"))) for text in _SQL[:2]]


def sql_truth(text: str) -> None:
    """What changes the program that SQLite compiles is refused, but for one bare token."""
    grammar = SqlGrammar(SQLITE)
    for template, harmless in _HARMLESS:
        sql = template.replace("{}", text)
        program = _program(sql)
        if program is None or program == harmless or _is_bare(text):
            continue
        if not _check(grammar, sql, text):
            raise AssertionError("SQLite understands it otherwise, and the guard said nothing")


_BARE = re.compile(r"[\w.]*|[+-]?\d+(\.\d+)?|[\s=<>!,()?%|&~^+.:@*/;-]*").fullmatch
_NAME = re.compile(r"""["`][\w.$-]*["`]""").fullmatch
_LIST = re.compile(
    r"[\w.]+(\s+(asc|desc))?(\s*,\s*[\w.]+(\s+(asc|desc))?)*", re.IGNORECASE
).fullmatch


def _is_bare(text: str) -> bool:
    """A name, quoted or not, a number, a list of these, operators alone, an empty literal; the
    threat model says why these pass. What is not ASCII may be a name.
    """
    bare = text.strip(" \t\n\f\r'\"`")
    return bool(_BARE(bare) or _LIST(bare) or _NAME(text.strip())) or not bare.isascii()


def scanners(text: str) -> None:
    """Spans are in order, do not overlap, and lie inside the text."""
    for dialect in DIALECTS.values():
        spans, broken_at = scan(text, dialect)
        position = 0
        for span in spans:
            ordered = span.start <= span.content_start <= span.content_end <= span.end
            assert position <= span.start, "spans overlap"
            assert ordered, "a span's ends are not in order"
            position = span.end
        assert position <= len(text), "a span leaves the text"
        assert -1 <= broken_at <= len(text), "the fault is outside the text"
        shape_of(text, dialect)


def inputs(text: str) -> None:
    """Everything that reads a request's values."""
    decoded_spellings(text[:1_000])
    found = Inputs(InputLimits())
    found.add_query(Source.QUERY, text)
    found.add_path("/" + text, "/" + text)
    found.add_cookies(text)
    found.add_header("x-any", text)
    data = text.encode("utf-8", "surrogateescape")
    for kind in ("", "application/json", "application/xml", "multipart/form-data; boundary=x"):
        add_body(Inputs(InputLimits()), kind, data)


TARGETS: dict[str, Target] = {
    **{f"sql-{name}": _pasted(SqlGrammar(each), _SQL) for name, each in DIALECTS.items()},
    "sql-truth": _once(sql_truth),
    "sql-scanner": _once(scanners),
    "shell": _pasted(ShellGrammar(), _SHELL),
    "path": _pasted(PathGrammar(), _PATH),
    "inputs": _once(inputs),
}

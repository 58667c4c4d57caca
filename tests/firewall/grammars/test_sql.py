"""The SQL scanner against SQLite itself, and the rule over a public corpus of attacks."""

from __future__ import annotations

import csv
import random
import sqlite3
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.core.inputs import Input, InputLimits, Inputs, Source
from stockade.firewall.grammars import Finding
from stockade.firewall.grammars.sql import SqlGrammar
from stockade.firewall.grammars.sql_scanner import MYSQL, POSTGRESQL, SQLITE, scan
from stockade.firewall.grammars.sql_spellings import fold
from tests.growth import growth

FRAGMENTS = [
    "'",
    "''",
    '"',
    "`",
    "[",
    "]",
    "--",
    "\n",
    "/*",
    "*/",
    "\\",
    "$",
    "$$",
    "a",
    "1",
    " ",
    "x'",
]
TEMPLATES = {
    "SELECT id, name FROM users WHERE name = '{}'": ["abc", "zz9"],
    "SELECT id, name FROM users WHERE id = {}": ["1", "-1", "1.5"],
    "SELECT id, name FROM users WHERE name LIKE '%{}%' AND n > 3": ["abc"],
    "INSERT INTO t(name, n) VALUES ('{}', 1)": ["abc"],
}


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=14).map("".join))
def test_spans_are_ordered_and_inside_the_text(sql: str) -> None:
    for dialect in (SQLITE, POSTGRESQL, MYSQL):
        spans, broken_at = scan(sql, dialect)
        position = 0
        for span in spans:
            assert position <= span.start <= span.content_start
            assert span.content_end <= span.end <= len(sql)
            position = span.end
        assert -1 <= broken_at < max(len(sql), 1)


@given(st.text(max_size=20))
def test_an_escaped_literal_is_one_span(value: str) -> None:
    literal = "'" + value.replace("'", "''") + "'"
    spans, broken_at = scan(f"SELECT {literal} FROM t", SQLITE)
    if "\0" not in value:
        assert (spans[0].start, spans[0].end, broken_at) == (7, 7 + len(literal), -1)


def structure(connection: sqlite3.Connection, sql: str) -> object:
    """The program that SQLite compiles `sql` to, or None where it does not run."""
    try:
        return tuple(row[1] for row in connection.execute("EXPLAIN " + sql))
    except sqlite3.ProgrammingError as error:
        return str(error) if "one statement" in str(error) else None
    except (sqlite3.Error, sqlite3.Warning):
        return None


def labelled(corpora: Path, label: str) -> list[str]:
    """The values of the labelled corpus that carry `label`."""
    with (corpora / "http-params" / "payload_train.csv").open(encoding="utf-8") as file:
        return [row["payload"] for row in csv.DictReader(file) if row["attack_type"] == label]


def test_corpus_of_attacks_against_sqlite(corpora: Path) -> None:
    """Every value of the corpus that changes what SQLite compiles is found; none that does not run
    unchanged in a bound position is blocked there."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, password TEXT, n INT);"
        "CREATE TABLE t (name TEXT, n INT)"
    )
    grammar, changed, missed = SqlGrammar(SQLITE), 0, []
    files = sorted((corpora / "libinjection").glob("sqli-*.txt"))
    lines = (line for file in files for line in file.read_text("utf-8", "replace").splitlines())
    values = sorted({unquote(line) for line in lines} | set(labelled(corpora, "sqli")))
    random.Random(7).shuffle(values)
    for template, harmless in TEMPLATES.items():
        expected = {structure(connection, template.format(value)) for value in harmless}
        for value in values[:12_000]:
            sql = template.format(value)
            compiled = structure(connection, sql)
            if compiled is None or compiled in expected:
                continue
            changed += 1
            inputs = Inputs(InputLimits())
            inputs.add(Source.QUERY, "q", value)
            if isinstance(verdict(grammar, sql, inputs), bool):
                missed.append((template, value))
    print(f"{changed} values change the compiled query, {len(missed)} of them missed: {missed[:5]}")
    assert changed > 500
    # A single bare token (`name`, `NULL`) is a valid choice; the threat model says so.
    assert all(value.strip().replace(".", "").replace("_", "").isalnum() for _, value in missed)


def verdict(grammar: SqlGrammar, text: str, inputs: Inputs) -> Finding | bool:
    values = grammar.prepare(inputs)
    return grammar.check(text, values) if values else False


def test_corpus_of_honest_values(corpora: Path) -> None:
    grammar = SqlGrammar(SQLITE)
    values = labelled(corpora, "norm")
    sample = random.Random(7).sample(values, 2_000)
    for value in sample:
        inputs = Inputs(InputLimits())
        inputs.add(Source.QUERY, "q", value)
        escaped = value.replace("'", "''")
        text = f"SELECT id FROM users WHERE name = '{escaped}'"
        assert isinstance(verdict(grammar, text, inputs), bool), value
    print(f"{len(sample)} honest values pass in an escaped literal")


@pytest.mark.parametrize(
    ("piece", "values"),
    [("(", ["(("]), ("x(", ["(x", "x(x("]), ("''", ["''", "'"]), ("-", ["-"])],
)
def test_repetitive_text_takes_linear_time(piece: str, values: list[str]) -> None:
    grammar = SqlGrammar(SQLITE)

    def work(size: int) -> None:
        inputs = Inputs(InputLimits())
        half = piece * (size // 2 // len(piece))
        inputs.own = [Input(Source.QUERY, "q", value) for value in (*values, half)]
        assert isinstance(verdict(grammar, f"x='{half}{half}'", inputs), bool)

    assert growth(work, 100_000) < 8


@given(st.text(max_size=12), st.text(max_size=12), st.text(max_size=12))
def test_folding_knows_no_neighbours(before: str, value: str, after: str) -> None:
    whole = before + value + after
    assert fold(whole) == fold(before) + fold(value) + fold(after)
    assert len(fold(whole)) == len(whole)

"""Values that the application changes before it pastes them: the attack works, and is refused."""

from __future__ import annotations

import csv
import random
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from stockade.core.errors import Blocked
from stockade.core.inputs import Input, InputLimits, Inputs, Source
from stockade.firewall.grammars.sql import FRAGMENT, SqlGrammar
from stockade.firewall.grammars.sql_scanner import SQLITE
from tests.conftest import Request, Switch
from tests.growth import growth

SECRET = "swordfish"
UNION = "x' UNION SELECT password FROM users --"
NUMBER = "0 union  select password  from users"


def squeeze(value: str) -> str:
    return " ".join(value.split())


CHANGES = [
    pytest.param("'{}'", UNION + " and what is cut off", lambda v: v[:40], id="cut"),
    pytest.param("'{}'", "abc" + UNION, lambda v: v[3:], id="cut at the start"),
    pytest.param("'{}'", UNION.replace(" ", "   "), squeeze, id="squeezed"),
    pytest.param("'{}'", UNION.replace("SELECT", "SEL!ECT"), lambda v: v.replace("!", ""), id="dropped"),
    pytest.param("'{}'", UNION.replace(" ", "\t"), lambda v: v.replace("\t", " "), id="tabs"),
    pytest.param("'{}'", UNION.replace("UNION", "UN<b>ION"), lambda v: re.sub("<.*?>", "", v), id="tags"),
    pytest.param("'{}'", "a&b" + UNION, lambda v: v.rpartition("b")[2], id="last part"),
    pytest.param("'{}'", UNION + " -", lambda v: f"item_{v.replace('-- -', '-- ')}", id="replaced"),
    pytest.param("{}", NUMBER, squeeze, id="words squeezed"),
    pytest.param("{}", NUMBER + " or so", lambda v: v[:-6], id="words cut"),
    pytest.param("{}", "(" + NUMBER + ")", lambda v: v.strip("()"), id="words unwrapped"),
]  # fmt: skip


@pytest.fixture
def database() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.executescript(
        "CREATE TABLE users (id INTEGER, password TEXT); CREATE TABLE notes (owner, body);"
        f"INSERT INTO users VALUES (1, '{SECRET}'); INSERT INTO notes VALUES ('ann', 'tea');"
    )
    return connection


@pytest.mark.parametrize(("position", "value", "change"), CHANGES)
def test_a_changed_value_acts_and_is_refused(
    database: sqlite3.Connection,
    request_of: Request,
    firewall: Switch,
    position: str,
    value: str,
    change: Callable[[str], str],
) -> None:
    text = "SELECT body FROM notes WHERE owner = " + position.format(change(value))
    with firewall("block", sql_fragments="off", sql_shapes="off"), request_of(value):
        assert copy_of(database).execute(text).fetchall() == [(SECRET,)]
    with firewall("block", sql_shapes="off"), request_of(value) as request:
        with pytest.raises(Blocked) as refused:
            copy_of(database).execute(text)
        assert refused.value.rule == FRAGMENT
        assert request.refusal is not None


def copy_of(database: sqlite3.Connection) -> sqlite3.Connection:
    """A connection that the firewall of the moment guards, with the same rows."""
    connection = sqlite3.connect(":memory:")
    connection.executescript("\n".join(database.iterdump()))
    return connection


HONEST = [
    ("it's", lambda v: v.replace("'", "''")),
    ("Robert'); DROP TABLE students;--", lambda v: v.replace("'", "''")[:60]),
    ("a -- b (c) = d; 'e'", lambda v: squeeze(v).replace("'", "''")),
    ("x' or 'y'='y", lambda v: re.sub(r"\W+", "-", v)),
    ("(see below) = yes", lambda v: v.strip("()")),
    ("<b>bold</b>", lambda v: re.sub("<.*?>", "", v)),
]


@pytest.mark.parametrize(("value", "change"), HONEST)
def test_a_changed_value_inside_a_literal_passes(
    database: sqlite3.Connection,
    request_of: Request,
    firewall: Switch,
    value: str,
    change: Callable[[str], str],
) -> None:
    with firewall("block", sql_shapes="off"), request_of(value):
        connection = copy_of(database)
        text = f"SELECT body FROM notes WHERE owner = '{change(value)}' AND body <> '{value[:0]}'"
        assert connection.execute(text).fetchall() == []


def test_honest_values_in_text_put_together_at_run_time(corpora: Path) -> None:
    """No constant, never seen before, and a value of the request beside it in an own literal."""
    with (corpora / "http-params" / "payload_train.csv").open(newline="") as file:
        values = [row["payload"] for row in csv.DictReader(file) if row["label"] == "norm"]
    chosen = random.Random(11)
    grammar = SqlGrammar(SQLITE)
    refused = []
    for number in range(6_000):
        brought = chosen.sample(values, 5)
        inputs = Inputs(InputLimits())
        for value in brought:
            inputs.add(Source.QUERY, "q", value)
        quoted = brought[0].strip()[:30].replace("'", "''")
        text = (
            f"SELECT p.id, p.name, count(*) AS n FROM products p LEFT OUTER JOIN sales s ON s.id = "
            f"p.id WHERE (p.name LIKE '%{quoted}%' OR p.id IN (1, 2, {number})) AND p.day >= "
            "'2024-01-01' GROUP BY p.id HAVING count(*) > 3 ORDER BY n DESC, p.name LIMIT 10"
        )
        prepared = grammar.prepare(inputs)
        verdict = grammar.check(text, prepared) if prepared else False
        if not isinstance(verdict, bool):
            refused.append((verdict.rule, verdict.value.value, brought[0]))
    print(f"6,000 texts put together at run time: {len(refused)} refused {refused[:5]}")
    assert refused == []


@pytest.mark.parametrize("piece", ["'a", "a b c ", "';--", "or 1=1 ", "(((", "a'b c d e'"])
def test_longer_values_take_time_in_proportion(piece: str) -> None:
    grammar = SqlGrammar(SQLITE)

    def work(size: int) -> None:
        value = (piece * size)[:size]
        text = "SELECT '" + value[1:].replace("'", "''") + "' FROM t WHERE a = " + value[5:200]
        inputs = Inputs(InputLimits())
        parts = (value, value[: size // 2], value[:90])
        inputs.own = [Input(Source.QUERY, "q", each) for each in parts]
        if prepared := grammar.prepare(inputs):
            grammar.check(text, prepared)

    assert growth(work, 4_000) < 8


ORM = 'SELECT "users"."id", "users"."name" FROM "users" WHERE "users"."name" = ?'


@pytest.mark.parametrize(
    ("value", "text", "is_refused"),
    [
        ('["id", "name"]', ORM, False),
        ('{"name": "Tea", "price": 4}', ORM, False),
        ('x["name" = "x"]', 'SELECT * FROM "users" WHERE "id" = 1 OR "name" = "x"', True),
        ('x"users" where 1--', 'SELECT * FROM "users" where 1', True),
    ],
)
def test_quoted_names_alone_are_no_evidence(value: str, text: str, is_refused: bool) -> None:
    inputs = Inputs(InputLimits())
    inputs.add(Source.QUERY, "q", value)
    grammar = SqlGrammar(SQLITE)
    assert isinstance(grammar.check(text, grammar.prepare(inputs)), bool) is not is_refused

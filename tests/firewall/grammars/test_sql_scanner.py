"""The SQL scanner against the real servers, in each mode of their sessions.

Oracle: a random text that the server runs must mean the same (as many columns, or an error) once
everything that the scanner calls the content of a literal, name or comment is replaced.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import psycopg
import pymysql
import pytest

from stockade.firewall.grammars.sql_dialects import DIALECTS, Dialect
from stockade.firewall.grammars.sql_scanner import scan
from tests.firewall.sinks.statements import MYSQL, POSTGRESQL, absent

COMMON = [
    "'",
    "'",
    "''",
    '"',
    "\\",
    "\\'",
    "--",
    "-- ",
    "\n",
    "/*",
    "*/",
    " ",
    "a",
    "1",
    ", ",
    "'x'",
]
INGREDIENTS = {
    "postgresql": [
        *COMMON, "E'", "e'", "N'", "B'", "X'", "U&'", 'U&"', "$", "$$", "$a$", "$é$", "$€$", "\r",
        "1E'", "a$$", "1$$", "'\n'", "' --c\n'", " UESCAPE '!'", "€", "||",
    ],
    "mysql": [
        *COMMON, "`", "#", "N'", "_utf8'", "X'", "/*!", "/*!50000 ", "/*!99999 ", "/*M! ", "/*+ ",
        "--\x7f", "--\x01", "é", '"b"', "\0",
    ],
}  # fmt: skip
MODES = [
    ("postgresql", "SET standard_conforming_strings = on"),
    ("postgresql+escapes", "SET standard_conforming_strings = off"),
    ("mysql", "SET sql_mode = ''"),
    ("mysql+ansi", "SET sql_mode = 'ANSI_QUOTES'"),
    ("mysql+nobackslash", "SET sql_mode = 'NO_BACKSLASH_ESCAPES'"),
]
TEXTS = 4_000


def replaced(sql: str, dialect: Dialect) -> str | None:
    """`sql`, what the scanner calls content replaced; None where it says the text is broken."""
    spans, broken_at = scan(sql, dialect)
    if broken_at >= 0:
        return None
    parts, position = [], 0
    for span in spans:
        content = sql[span.content_start : span.content_end]
        opening = sql[span.start : span.content_start]
        kept = content.isalnum() or content == "!" or sql[: span.start].endswith(tuple("bBxX"))
        filler = content if kept else "a" * bool(content)
        if opening[:1] in "-#/":
            filler = " c "
        parts += [sql[position : span.content_start], filler]
        position = span.content_end
    return "".join(parts) + sql[position:]


def compare(name: str, columns: Callable[[str], int | None]) -> None:
    dialect, rng, ran = DIALECTS[name], random.Random(11), 0
    ingredients = INGREDIENTS[name.partition("+")[0]]
    for _ in range(TEXTS):
        body = "".join(rng.choices(ingredients, k=rng.randint(1, 9)))
        sql = rng.choice(["SELECT {}", "SELECT 'a{}", "SELECT 'a{}'"]).format(body)
        meant = columns(sql)
        if meant is None:
            continue
        harmless = replaced(sql, dialect)
        if harmless is None:
            continue
        ran += 1
        assert columns(harmless) == meant, (sql, harmless)
    print(f"{name}: {ran} of {TEXTS} texts ran and were compared")
    assert ran > TEXTS / 50


@pytest.mark.parametrize(("name", "setting"), [mode for mode in MODES if "post" in mode[0]])
def test_postgresql(name: str, setting: str) -> None:
    try:
        connection = psycopg.connect(dbname="test", autocommit=True, **POSTGRESQL)
    except psycopg.OperationalError as error:
        absent("PostgreSQL", error)
    connection.execute("SET statement_timeout = '1s'; SET escape_string_warning = off")
    connection.execute(setting)

    def columns(sql: str) -> int | None:
        try:
            cursor = psycopg.ClientCursor(connection).execute(sql)
        except (psycopg.Error, UnicodeError):
            return None
        return len(cursor.description or ())

    with connection:
        compare(name, columns)


@pytest.mark.parametrize(("name", "setting"), [mode for mode in MODES if "my" in mode[0]])
def test_mysql(name: str, setting: str) -> None:
    try:
        connection: Any = pymysql.connect(database="test", **MYSQL)
    except pymysql.OperationalError as error:
        absent("MariaDB", error)

    def columns(sql: str) -> int | None:
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return len(cursor.description or ())
        except pymysql.MySQLError:
            return None

    with connection:
        assert columns(setting) == 0
        compare(name, columns)


@pytest.mark.parametrize("name", DIALECTS)
def test_spans_are_ordered_and_inside_the_text(name: str) -> None:
    rng = random.Random(3)
    for _ in range(3_000):
        pieces = INGREDIENTS["postgresql" if "post" in name else "mysql"]
        sql = "".join(rng.choices(pieces, k=12))
        spans, broken_at = scan(sql, DIALECTS[name])
        position = 0
        for span in spans:
            assert position <= span.start <= span.content_start <= span.content_end <= span.end
            position = span.end
        assert position <= len(sql)
        assert -1 <= broken_at < len(sql)


def test_where_modes_part_the_text_is_broken() -> None:
    unsure, multibyte = DIALECTS["mysql+unsure"], DIALECTS["mysql+multibyte"]
    assert scan("SELECT 'it''s', \"b\"", unsure)[1] == -1
    assert scan("SELECT 'a', 'it\\'s'", unsure)[1] == 12
    assert scan('SELECT \'a\', "b\\"c"', unsure)[1] == 12
    assert scan("SELECT 'é', 'é\\'s'", multibyte)[1] == 12

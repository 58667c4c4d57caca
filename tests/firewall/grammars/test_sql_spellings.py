"""Spellings of values in queries: what is escaped twice is found, and its anchors stand there."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.core.errors import Blocked
from stockade.firewall.grammars.sql_spellings import (
    anchor_of,
    fold,
    pattern_spellings_of,
    spellings_of,
)
from tests.conftest import Request, Switch

Change = Callable[[str], str]


def wildcards(mark: str, which: str = "%_") -> Change:
    def escape(value: str) -> str:
        for character in mark + which:
            value = value.replace(character, mark + character)
        return value

    return escape


def doubled(character: str) -> Change:
    return lambda value: value.replace(character, character * 2)


def slashed(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")


ESCAPED: list[tuple[Change, ...]] = [
    (),
    (doubled("'"),),
    (doubled("%"),),
    (slashed, doubled("%")),
    (wildcards("\\"),),
    (wildcards("\\"), doubled("'")),
    (wildcards("\\"), slashed),
    (wildcards("\\", "_"), doubled("%")),
    (wildcards("!"),),
    (wildcards("/"), doubled("'"), doubled("%")),
    (wildcards("|", "%"), slashed),
    (wildcards("^"),),
    (wildcards("#"),),
]


@pytest.mark.parametrize("changes", ESCAPED)
@given(st.text("'\"\\%_!/|^# abZ>=é", min_size=2, max_size=30).map(lambda text: "'" + text))
def test_every_escaped_value_is_found(changes: tuple[Change, ...], value: str) -> None:
    text = value
    for change in changes:
        text = change(text)
    low = fold(f"LIKE '{text}'")
    spellings = spellings_of(value) + pattern_spellings_of(value)
    assert any(spelling in low for spelling in spellings)
    assert anchor_of(value, fold(value)) in low


@pytest.mark.parametrize("changes", ESCAPED[:8])
@given(st.text("'\"\\%_! abZ>=é", min_size=1, max_size=20).map(lambda text: "'" + text * 40))
def test_in_a_long_value_too(changes: tuple[Change, ...], value: str) -> None:
    """So that nobody hides an attack by what follows it."""
    text = value
    for change in changes:
        text = change(text)
    low = fold(f"LIKE '{text}'")
    spellings = spellings_of(value) + pattern_spellings_of(value)
    assert any(spelling in low for spelling in spellings)
    assert anchor_of(value, fold(value)) in low


@given(st.text(max_size=80))
def test_an_anchor_stands_in_every_spelling(value: str) -> None:
    anchor = anchor_of(value, fold(value))
    spellings = spellings_of(value) + pattern_spellings_of(value)
    assert spellings[0] == fold(value)
    assert all(anchor in spelling for spelling in spellings)


@pytest.mark.parametrize("value", ["\u0130 union select", "\u017f\u0130x", "\u0131d or 1"])
@pytest.mark.parametrize("change", [str.lower, str.upper, str.casefold, str.title])
def test_letters_that_grow_or_change_their_kind(value: str, change: Change) -> None:
    low = fold(change(value))
    assert anchor_of(value, fold(value)) in low
    assert any(spelling in low for spelling in spellings_of(value))


@pytest.mark.parametrize("value", ["plain words", "a_b_c", "user_name = x", "(a)"])
def test_ordinary_values_have_one(value: str) -> None:
    assert spellings_of(value) == (value,)


@pytest.mark.parametrize("value", ["it's 50%", 'form-data; name="user_name"', '{"a_b": "c%"}'])
def test_others_have_few_where_nothing_is_a_pattern(value: str) -> None:
    assert len(spellings_of(value)) < 250
    assert len(spellings_of(value.replace("'", ""))) < 40


@pytest.mark.parametrize("mark", ["\\", "!", "/"])
def test_a_pattern_with_its_wildcards_escaped(
    mark: str, request_of: Request, firewall: Switch
) -> None:
    def search(value: str) -> list[tuple[object, ...]]:
        connection = sqlite3.connect(":memory:")
        connection.execute("CREATE TABLE notes (owner, body)")
        connection.execute("INSERT INTO notes VALUES ('ann', 'it''s 50%_x'), ('bob', 'secret')")
        pattern = wildcards(mark)(value)
        return connection.execute(
            f"SELECT body FROM notes WHERE owner = 'ann' AND body LIKE '{pattern}' ESCAPE '{mark}'"
        ).fetchall()

    attack = "'or'_'--"
    with firewall("block"):
        with request_of("it's 50%_x"):
            assert search("it's 50%_x".replace("'", "''")) == [("it's 50%_x",)]
        with request_of(attack), pytest.raises(Blocked):
            search(attack)

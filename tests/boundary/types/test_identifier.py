"""Names that end up in code: one token there, and one of those that were declared."""

import sqlite3
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.boundary import Identifier, Model, SortKey, sort_key
from tests.boundary.types.conftest import REFUSED, verdict


@given(st.text(max_size=70) | st.from_regex(r"\w{1,70}", fullmatch=True))
def test_what_is_taken_is_one_token(value: str) -> None:
    name = verdict(Identifier, value)
    assert name is REFUSED or (name == value and value.isidentifier() and value.isascii())


def test_an_attack_on_a_column_works_with_str_and_not_with_sort_key() -> None:
    database = sqlite3.connect(":memory:")
    database.executescript(
        "CREATE TABLE patient (name, secret); INSERT INTO patient VALUES ('b', 1), ('a', 2)"
    )

    def names(column: str) -> list[str]:
        rows = database.execute(f"SELECT name FROM patient ORDER BY {column}").fetchall()
        return [row[0] for row in rows]

    attack = "(CASE WHEN (SELECT max(secret) FROM patient) = 2 THEN name ELSE secret END)"
    assert names(attack) != names("secret")  # the order tells what the secret is

    class Listing(Model):
        sort: Annotated[SortKey, sort_key("name", "created")] = SortKey("name", False)

    assert Listing.model_validate({"sort": "-created"}).sort == ("created", True)
    assert names(Listing.model_validate({"sort": "name"}).sort.column) == ["a", "b"]
    for value in (attack, "secret", "--name", "name ", "NAME", ""):
        assert verdict(Annotated[SortKey, sort_key("name", "created")], value) is REFUSED


@pytest.mark.parametrize("value", ["", "1a", "a-b", "a.b", "a b", "a;", "ä", "a" * 64, "a\n"])
def test_no_identifiers(value: str) -> None:
    assert verdict(Identifier, value) is REFUSED

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


@pytest.mark.asvs("V1.3.3")
def test_a_table_that_a_client_names_is_one_table() -> None:
    database = sqlite3.connect(":memory:")
    database.executescript(
        "CREATE TABLE drug (name); INSERT INTO drug VALUES ('aspirin');"
        "CREATE TABLE account (name, password); INSERT INTO account VALUES ('ann', 'hunter2')"
    )

    def listed(table: str) -> list[str]:
        return [row[0] for row in database.execute(f"SELECT name FROM {table}")]

    attack = "drug UNION SELECT password FROM account"
    assert "hunter2" in listed(attack)
    assert verdict(Identifier, attack) is REFUSED
    assert verdict(Identifier, "d" * 64) is REFUSED
    assert listed(verdict(Identifier, "drug")) == ["aspirin"]


@pytest.mark.parametrize("value", ["", "1a", "a-b", "a.b", "a b", "a;", "ä", "a" * 64, "a\n"])
def test_no_identifiers(value: str) -> None:
    assert verdict(Identifier, value) is REFUSED

"""A `Name` looks like no other: one script, no piled-up marks, nothing hidden."""

from __future__ import annotations

import pytest

from stockade.boundary import Name
from tests.boundary.types.conftest import REFUSED, verdict


@pytest.mark.parametrize(
    "value",
    ["Jürgen O'Neill", "Nguyễn Thị Minh Khai", "Иван Петров", "Αλέξανδρος", "田中 太郎", "Tanaka 田中",
     "김 Kim", "李 Li", "محمد علي", "יעל 5", "सुनीता", "ສົມສັກ", "Jean-Luc", "X Æ A-12", "Zoë 🎉"],
)  # fmt: skip
def test_names_of_the_world(value: str) -> None:
    assert verdict(Name, value) == value


@pytest.mark.parametrize(
    "value",
    ["", " ", "p\u0430ypal", "\u0410dmin", "admin\u200b", "ad\u202emin", "a\nb", "x" * 121,
     "G\u03bf\u03bfgle", "o" + "\u0308" * 6, "\ud800", "\u043a\u03b1"],
)  # fmt: skip
def test_what_passes_for_another_name_is_refused(value: str) -> None:
    assert verdict(Name, value) is REFUSED


def test_blanks_at_the_ends_and_doubled_ones_go() -> None:
    assert verdict(Name, "  Ada   Lovelace ") == "Ada Lovelace"


def test_two_names_that_look_alike_are_two_names_to_a_program() -> None:
    fake = "p\u0430ypal"
    assert fake != "paypal"
    assert fake.encode() != b"paypal"

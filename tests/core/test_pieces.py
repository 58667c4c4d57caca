"""Pieces: what applications cut out of a value is evidence where it could be an attack alone."""

from __future__ import annotations

import os.path

import pytest

from stockade.core.pieces import pieces, unframed


@pytest.mark.parametrize(
    ("value", "piece"),
    [
        ("x'UNION/**/SELECT/**/1-- b", "x'UNION/**/SELECT/**/1--"),
        ("(SELECT password):desc", "(SELECT password)"),
        ("a|x';DROP TABLE t", "x';DROP TABLE t"),
        ("-(SELECT(password))", "(SELECT(password))"),
        ("x'or'1'@example.org", "x'or'1'"),
        ("name=x'or'1'", "x'or'1'"),
        ("/srv/a/x';id;.txt", "x';id;.txt"),
        ("C:\\\\x'or'1'", "x'or'1'"),
        ('"x\' OR 1"', "x' OR 1"),
        ("b;id.txt", os.path.splitext("b;id.txt")[0]),
        ("x'.or.'1.txt", os.path.splitext("x'.or.'1.txt")[0]),
        ("x\0;touch x", ";touch x"),
        (",".join([*"123456789", "$(touch${IFS}x)"]), "$(touch${IFS}x)"),
        ("a=1&b=$(x)&c=$(touch y)", "$(touch y)"),
        ("\"x\" ';touch y;' z", ";touch y;"),
    ],
)
def test_parts_that_could_be_an_attack_alone(value: str, piece: str) -> None:
    assert piece in pieces(value)


@pytest.mark.parametrize(
    "value", ["a short note, with dashes", "2026-11-23 10:00", "O'Neill & Sons", "x = 5", "-5"]
)
def test_parts_of_honest_text_are_no_evidence(value: str) -> None:
    assert pieces(value) == []


@pytest.mark.parametrize(
    ("value", "enclosed"),
    [
        ('convert "holiday photo.png"', ()),
        ('{"name": "Tea", "price": 4}', ()),
        ('form-data; name="upload"; filename="use ../ to go up"', ()),
        ('["id", "a;touch b"]', ("a;touch b",)),
    ],
)
def test_quotes_that_frame_a_part_are_none_of_its_own(
    value: str, enclosed: tuple[str, ...]
) -> None:
    found = pieces(value)
    assert not [piece for piece in found if piece[0] == '"' or piece[-1] == '"']
    assert set(enclosed) <= set(found)


def test_unframed() -> None:
    assert unframed('"name",') == "name"
    assert unframed(' {"a b') == "a b"
    assert unframed('x" or "y') == 'x" or "y'
    assert unframed(" x ") == " x "


@pytest.mark.parametrize("value", ["a = ''", "x; y; z", "max(id), now()", "R&D, Q&A", "it's, ok"])
def test_short_parts_need_a_word_and_a_mark_that_ends_something(value: str) -> None:
    assert all(len(piece) > 3 for piece in pieces(value))
    assert "''" not in pieces(value)
    assert "now()" not in pieces(value)

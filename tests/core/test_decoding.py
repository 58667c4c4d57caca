"""Decoding: whatever the usual libraries make of a text is among our spellings of it."""

from __future__ import annotations

import base64
import json
from http.cookies import SimpleCookie

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.core.decoding import (
    base64_spellings,
    cookie_value,
    decoded_spellings,
    parse_json,
    pieces,
    strings_of,
)

EVIL = "x' OR 1=1 --"
ENCODED = base64.b64encode(EVIL.encode()).decode()


@pytest.mark.parametrize(
    "text",
    [
        ENCODED,
        ENCODED[:6] + "!" + ENCODED[6:],
        ENCODED[:6] + "\n" + ENCODED[6:],
        ENCODED[:4] + "-" + ENCODED[4:],
        ENCODED.rstrip("=") + "  ",
    ],
)
def test_base64_as_lenient_as_the_standard_library(text: str) -> None:
    assert base64.b64decode(text + "==").decode() == EVIL
    assert EVIL in decoded_spellings(text)


@given(st.binary(min_size=6).filter(lambda data: data.isascii()), st.text("!-\n ", max_size=4))
def test_base64_with_foreign_characters(data: bytes, foreign: str) -> None:
    text = base64.b64encode(data).decode()
    assert data.decode() in base64_spellings(text[:5] + foreign.replace("-", "") + text[5:])
    assert data.decode() in base64_spellings(base64.urlsafe_b64encode(data).decode())


def test_base64_in_latin_1_where_that_is_asked_for() -> None:
    text = base64.b64encode("é' OR".encode("latin-1")).decode()
    assert base64_spellings(text) == []
    assert base64_spellings(text, latin=True) == ["é' OR"]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"q": EVIL, "n": 1})[:-1] + ', "m": NaN}',
        json.dumps({"q": EVIL, "many": [f"v {n}" for n in range(500)]}),
        json.dumps([EVIL, "\ud800"]),
    ],
)
def test_json_in_a_parameter(text: str) -> None:
    assert EVIL in json.loads(text) or json.loads(text)["q"] == EVIL
    assert EVIL in decoded_spellings(text)


def test_negative_numbers_are_strings() -> None:
    found = {text for _, text, _ in strings_of(json.loads('[-1, 2, -0.5, true, {"k": -3}]'))}
    assert found == {"-1", "-0.5", "k", "-3"}
    assert "-1" in decoded_spellings(" -01")


def test_a_document_nested_too_deeply_is_no_document_without_strings() -> None:
    with pytest.raises(RecursionError):
        parse_json("[" * 100_000)


@given(st.text('a"\\047;', max_size=12))
def test_cookies_as_the_standard_library_unquotes_them(content: str) -> None:
    value = f'"{content}"'
    loaded: SimpleCookie = SimpleCookie()
    assert loaded.value_decode(value)[0] == cookie_value(value)


@pytest.mark.parametrize(
    ("value", "piece"),
    [
        ("x'UNION/**/SELECT/**/1-- b", "x'UNION/**/SELECT/**/1--"),
        ("(SELECT password):desc", "(SELECT password)"),
        ("a|x';DROP TABLE t", "x';DROP TABLE t"),
        ("-(SELECT(password))", "(SELECT(password))"),
    ],
)
def test_parts_that_could_be_an_attack_alone(value: str, piece: str) -> None:
    assert piece in pieces(value)


@pytest.mark.parametrize(
    "value", ["a short note, with dashes", "2026-11-23 10:00", "O'Neill & Sons", "x = 5", "-5"]
)
def test_parts_of_honest_text_are_no_evidence(value: str) -> None:
    assert pieces(value) == []

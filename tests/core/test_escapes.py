"""Escapes: exactly what the standard library makes of them, and the lenient readings."""

from __future__ import annotations

import html
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.core.escapes import entities, hexadecimal, mail_words, percent, source_escapes


@given(st.text("%273c '&;#xlt", max_size=20))
def test_percent_and_references_as_the_standard_library_reads_them(text: str) -> None:
    assert unquote(text) in (*percent(text), text)
    if ";" in text or "&#" in text:
        assert html.unescape(text) in (*entities(text), text) or "&" in text


@given(st.text(max_size=20))
def test_twice_quoted(text: str) -> None:
    twice = quote(quote(text, safe=""), safe="")
    assert text in (*percent(twice), twice)


@pytest.mark.parametrize(
    "text", ["\\u0027", "\\x27", "%u0027", "\\U00000027", "\\47", "\\'", "\\u{27}"]
)
def test_a_quote_in_every_escape(text: str) -> None:
    assert source_escapes(f"a{text}b") == ["a'b"]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("7827204f52", "x' OR"),
        ("0x7827204f52", "x' OR"),
        ("X'7827204f52'", "x' OR"),
        ("78 27 20 4f 52", "x' OR"),
    ],
)
def test_hexadecimal_text(text: str, read: str) -> None:
    assert hexadecimal(text) == [read]


@pytest.mark.parametrize(
    "text",
    [
        "=?none?q?x=27?=",
        "=?é?b?YQ==?=",
        "=?\udced?b?YQ==?=",
        "=?utf-8?b?A?=",
        "=?utf-8?q?a",
        "=" * 2_000,
    ],
)
def test_broken_words_are_no_error(text: str) -> None:
    assert isinstance(mail_words(text), list)

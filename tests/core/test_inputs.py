"""Untrusted inputs: what is found in each source, under every spelling, within the bounds."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.core.inputs import InputLimits, Inputs, Source, decoded_spellings, read_json

EVIL = "x' OR 1 --"


def values(inputs: Inputs) -> set[str]:
    return {item.value for item in inputs}


def sources(inputs: Inputs, value: str) -> set[str]:
    return {item.source for item in inputs if item.value == value}


@pytest.mark.parametrize(
    "spelling",
    [
        EVIL,
        f"  {EVIL}\n",
        "x%27%20OR%201%20--",
        "x%2527%2520OR%25201%2520--",
        "x'+OR+1+--",
        base64.b64encode(EVIL.encode()).decode(),
        base64.urlsafe_b64encode(EVIL.encode()).decode().rstrip("="),
        json.dumps({"q": EVIL}),
        json.dumps(json.dumps([EVIL])),
        "x\uff07 OR 1 --",
    ],
)
def test_spellings_that_applications_decode(spelling: str) -> None:
    inputs = Inputs(InputLimits())
    inputs.add(Source.QUERY, "q", spelling)
    assert EVIL in values(inputs)


@given(st.text())
def test_decoding_never_fails(value: str) -> None:
    assert value not in decoded_spellings(value)


def test_each_source() -> None:
    inputs = Inputs(InputLimits())
    inputs.add_query(Source.QUERY, "a=one+two&b%5B%5D=%27three")
    inputs.add_path("/notes/it's/tail", "/notes/it%27s/tail")
    inputs.add_header("authorization", "Basic " + base64.b64encode(b"us'er:pa ss").decode())
    inputs.add_header("x-list", "first one, second 'one")
    inputs.add_cookies('plain=c\'1; quoted="c\\0472"')
    inputs.add_json({"key'": ["deep'", {"inner": "in'ner"}], "n": 5, "ok": None})
    for value, source in {
        "one two": Source.QUERY,
        "'three": Source.QUERY,
        "b[]": Source.QUERY,
        "it's": Source.PATH,
        "it's/tail": Source.PATH,
        "us'er": Source.HEADER,
        "pa ss": Source.HEADER,
        "second 'one": Source.HEADER,
        "c'1": Source.COOKIE,
        "c'2": Source.COOKIE,
        "key'": Source.JSON_KEY,
        "deep'": Source.JSON_VALUE,
        "in'ner": Source.JSON_VALUE,
    }.items():
        assert source in sources(inputs, value), value


def test_more_than_the_limit_is_said_and_not_skipped_silently() -> None:
    many = Inputs(InputLimits(values=10))
    many.add_json([f"value {number}" for number in range(11)])
    large = Inputs(InputLimits(characters=100))
    large.add(Source.BODY, "", "x" * 101)
    fields = Inputs(InputLimits(values=10))
    fields.add_query(Source.FORM, "&".join(f"a{number}=1" for number in range(11)))
    assert (many.overflow, large.overflow, fields.overflow) == (True, True, True)
    enough = Inputs(InputLimits(values=10))
    enough.add_json([f"value {number}" for number in range(10)])
    assert not enough.overflow


def test_plain_words_count_a_tenth() -> None:
    words = Inputs(InputLimits(values=10))
    words.add_json([f"word{number}" for number in range(99)])
    assert not words.overflow
    words.add_json([f"more{number}" for number in range(9)])
    assert words.overflow


def test_one_character_is_evidence_if_it_is_no_letter_digit_or_blank() -> None:
    inputs = Inputs(InputLimits())
    inputs.add_query(Source.QUERY, "a=%27&b=.&c=x&d=+&e=7&f=%0A&g=_")
    assert values(inputs) == {"'", ".", "\n"}


def test_the_root_is_what_every_site_is_asked_for() -> None:
    inputs = Inputs(InputLimits())
    inputs.add_path("/", "/")
    assert values(inputs) == set()


def test_every_segment_counts_and_more_tails_than_are_indexed_are_said() -> None:
    inputs = Inputs(InputLimits())
    path = "/a" * 100 + "/it's"
    inputs.add_path(path, path)
    assert {"it's", "a/it's"} <= values(inputs)
    assert not inputs.overflow
    inputs.add_path("/b" * 300, "/b" * 300)
    assert inputs.overflow


def test_bytes_of_a_query_are_read_as_latin_1_and_as_utf_8_and_a_semicolon_both_ways() -> None:
    inputs = Inputs(InputLimits())
    inputs.add_query(Source.FORM, "q=é'x".encode().decode("latin-1") + "&a=b'1;c=d'2")
    assert {"é'x", "é'x".encode().decode("latin-1"), "b'1;c=d'2", "b'1", "d'2"} <= values(inputs)


def test_a_query_as_it_came_where_it_could_act() -> None:
    inputs = Inputs(InputLimits())
    inputs.add_query(Source.QUERY, "q=a%41$(touch$IFS./x)")
    assert "q=a%41$(touch$IFS./x)" in values(inputs)
    plain = Inputs(InputLimits())
    plain.add_query(Source.QUERY, "q=green+tea&page=2")
    assert values(plain) == {"page", "green tea"}


def test_the_header_of_one_plain_cookie_is_that_cookie() -> None:
    plain, odd = Inputs(InputLimits()), Inputs(InputLimits())
    plain.add_cookies("session=abc-123")
    odd.add_cookies("session=abc; theme=--x")
    assert values(plain) == {"session", "abc-123"}
    assert "session=abc; theme=--x" in values(odd)


def test_of_equal_keys_every_value_counts() -> None:
    for text in (
        b'{"q": ";touch x", "q": "bob"}',
        b'{"q": ";touch x", "\\u0071\\u003a": 1, "q": 2}',
    ):
        inputs = Inputs(InputLimits())
        assert inputs.add_json_text(text)
        assert ";touch x" in values(inputs)


def test_what_is_nested_too_deeply_is_said() -> None:
    inputs = Inputs(InputLimits())
    inputs.add(Source.QUERY, "q", "[" * 100_000 + "]" * 100_000)
    assert inputs.overflow


def test_json_as_applications_read_it() -> None:
    assert read_json(b'{"a": 1}') == {"a": 1}
    assert read_json('{"a": "é"}'.encode("utf-16")) == {"a": "é"}
    assert read_json(b'["\\ud800"]') == ["\ud800"]
    assert read_json(b"[" * 100_000) is None
    assert read_json(b"no json") is None
    assert read_json(b'{"a": 1, "a": "x:y"}') == [{"a": 1}, {"a": "x:y"}]
    assert read_json(b'{"a\\u003ab": "x", "c": ":"}') == {"a:b": "x", "c": ":"}

"""Strict JSON says what the standard library says, or nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.boundary.bodies.strict_json import read_json
from stockade.core.errors import Rejected
from tests.growth import growth

# Legal by RFC 8259 (names SHOULD be unique) and refused on purpose (RFC 7493, 2.3).
DUPLICATES = {"y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"}


def outcome(body: bytes, max_depth: int = 64) -> tuple[int, str]:
    try:
        read_json(body, max_depth)
    except Rejected as refused:
        return refused.code, refused.rule
    return 200, ""


def test_the_json_test_suite_is_read_as_the_standard_library_reads_it(corpora: Path) -> None:
    files = sorted((corpora / "json-test-suite" / "test_parsing").glob("y_*.json"))
    assert len(files) > 90
    for file in files:
        body = file.read_bytes()
        if file.name in DUPLICATES:
            assert outcome(body) == (422, "body.duplicate")
        else:
            assert repr(read_json(body, 64)) == repr(json.loads(body)), file.name
    print(f"{len(files)} documents, {len(DUPLICATES)} of them refused by design")


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8") | st.sampled_from(':"\\[]{}u03a')),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.sampled_from('ab:"\\u03a')), inner),
    max_leaves=30,
)


@given(values, st.booleans(), st.sampled_from([None, 1]))
def test_what_json_writes_is_read_again(value: object, escaped: bool, indent: int | None) -> None:
    body = json.dumps(value, ensure_ascii=escaped, indent=indent).encode()
    assert repr(read_json(body, 1_000)) == repr(json.loads(body))


def depth_of(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    return 1 + max(map(depth_of, value), default=0) if isinstance(value, list) else 0


@given(values, st.booleans())
def test_the_depth_is_that_of_the_document(value: object, escaped: bool) -> None:
    body, depth = json.dumps(value, ensure_ascii=escaped).encode(), depth_of(value)
    assert outcome(body, depth)[0] == 200
    if depth:
        assert outcome(body, depth - 1) == (400, "body.depth")


@pytest.mark.parametrize(
    "body",
    [
        b'["]"' + b',["]"' * 80 + b',"["]' * 80 + b"]",  # brackets in strings that even out
        b'["\\"]"' + b',["\\\\","]"' * 80 + b"]" * 81,
    ],
)
def test_brackets_in_strings_hide_no_depth(body: bytes) -> None:
    assert depth_of(json.loads(body)) > 64
    assert outcome(body) == (400, "body.depth")


@pytest.mark.parametrize("text", [r"<b>\u003c", r"\u003a\u003A:", r"\\u003a", r"\\\u003a"])
def test_escapes_that_programs_write_are_no_duplicates(text: str) -> None:
    """Go, PHP and Rails escape `<`; a colon in disguise counts as the colon that it is."""
    assert outcome(f'{{"{text}": "{text}", "b": "{text}"}}'.encode())[0] == 200
    twice = f'{{"a": "{text}", "\\u0061": "{text}"}}'.encode()
    assert outcome(twice) == (422, "body.duplicate")


def test_a_number_of_5000_digits_is_no_crash() -> None:
    assert outcome(b"1" * 5_000) in {(200, ""), (422, "body.number"), (400, "body.json")}


@pytest.mark.parametrize("body", [b"[[]],", b'{"a":[1,"]"]},', b'"[\\"[",'])
def test_the_cost_is_linear(body: bytes) -> None:
    assert growth(lambda size: read_json(b"[" + body * size + b"0]", 64), 2_000) < 9

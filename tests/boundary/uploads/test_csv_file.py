"""`Csv` reads one dialect, in bounds, as every other reader of RFC 4180 does."""

from __future__ import annotations

import csv
import io
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from stockade.boundary import Csv
from stockade.core.errors import Rejected
from tests.boundary.types.conftest import REFUSED, verdict
from tests.boundary.uploads import bombs
from tests.boundary.uploads.conftest import Refusal


def rows(content: bytes, contract: Csv | None = None) -> list[list[str]]:
    return list((contract or Csv()).rows(io.BytesIO(content)))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a,b\r\n1,2\r\n", [["a", "b"], ["1", "2"]]),
        (b"a,b\n1,2", [["a", "b"], ["1", "2"]]),
        (b"a", [["a"]]),
        (b"a,\r\n,b\r\n", [["a", ""], ["", "b"]]),
        (b'"a,b","c ""d"""\r\n"line\r\nbreak",x\n', [["a,b", 'c "d"'], ["line\r\nbreak", "x"]]),
        ("\ufeffname\nÜrsula 診断 𝄞\n".encode(), [["name"], ["Ürsula 診断 𝄞"]]),
        (b'a,b\n"",""\n', [["a", "b"], ["", ""]]),
        (b"=1+1,-5,@x\n", [["=1+1", "-5", "@x"]]),
        (b"a\tb\n", [["a\tb"]]),
    ],
)
def test_honest_tables(content: bytes, expected: list[list[str]]) -> None:
    assert Csv().checked(content, filename="table.csv") == content
    assert rows(content) == expected


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"a,b\n1\n", "csv-columns"),
        (b"a,b\n1,2,3\n", "csv-columns"),
        (b"a,b\x00\n", "csv-control"),
        (b"a,\x1b[2J\n", "csv-control"),
        (b"a,b\rc,d\r", "csv-malformed"),
        (b'a"b,c\n', "csv-malformed"),
        (b'"a"b,c\n', "csv-malformed"),
        (b'"a\n', "csv-malformed"),
        (b'a,"', "csv-malformed"),
        (b"a,\xff\n", "csv-encoding"),
        ("a,b\n".encode("utf-16"), "csv-encoding"),
        (b"a,\xed\xa0\x80\n", "csv-encoding"),
        (b"," * 100 + b"\n", "csv-columns"),
        (b"x" * 10_001, "csv-cell"),
        (b"a\n" + b"x" * 50_000 + b"\n", "csv-cell"),
        (b'"' + b"x\n" * 50_000 + b'"', "csv-cell"),
        (b'"' + b'""' * 10_001 + b'"', "csv-cell"),
        (b"a\n" * 100_001, "csv-rows"),
        (bombs.zipped({"a": b"b"}), "type"),
        (b"%PDF-1.7\n", "type"),
        (b"<svg/>", "type"),
    ],
)
def test_other_tables_are_refused(content: bytes, rule: str, refusal: Refusal) -> None:
    assert refusal(Csv(), content) == rule


def test_the_longest_cell_and_the_widest_row_pass() -> None:
    for content in (b"x" * 10_000, b'"' + b'""' * 10_000 + b'",b\n', b"," * 99, b"a\n" * 100_000):
        assert Csv().checked(content) == content


def test_declared_columns(refusal: Refusal) -> None:
    people = Csv(columns=("name", "born"))
    assert people.checked(b"name,born\nAnn,1970-01-01\n")
    assert refusal(people, b"born,name\n") == "csv-columns"
    assert refusal(people, b"name,born\n", "people.xlsx") == "extension"


def test_the_standard_reader_hands_on_what_is_refused_here() -> None:
    text = 'a"b,c\nx\n'
    assert list(csv.reader(io.StringIO(text))) == [['a"b', "c"], ["x"]]
    with pytest.raises(Rejected):
        rows(text.encode())


def test_in_a_model() -> None:
    kind = Annotated[str, Csv()]
    assert verdict(kind, "a,b\n1,2\n") == "a,b\n1,2\n"
    assert verdict(kind, "a,b\n1\n") is REFUSED
    assert verdict(kind, "\ud800") is REFUSED
    assert TypeAdapter(kind).json_schema()["type"] == "string"


CELL = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc"]) | st.sampled_from('",\n\r'), max_size=9
)


@given(
    st.integers(1, 4).flatmap(
        lambda n: st.lists(st.lists(CELL, min_size=n, max_size=n), min_size=1)
    )
)
def test_what_the_standard_library_writes_is_read_the_same(table: list[list[str]]) -> None:
    output = io.StringIO(newline="")
    csv.writer(output, quoting=csv.QUOTE_ALL).writerows(table)
    content = output.getvalue().encode()
    table[0][0] = (
        table[0][0].removeprefix("\ufeff") if content.startswith(b"\xef\xbb\xbf") else table[0][0]
    )
    assert rows(content) == table


@given(st.text(st.sampled_from('ab",\r\n\x00\ufeff'), max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read = rows(text.encode())
    except Rejected:
        return
    plain = text.removeprefix("\ufeff")
    assert read == [row or [""] for row in csv.reader(io.StringIO(plain, newline=""), strict=True)]

"""XML: every text that the standard library's parser gives an application, and no file."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.integrations.markup import MarkupTooLarge, texts_of
from tests.growth import growth

TEXT = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Co", "Cn"]))


def values(body: bytes) -> set[str]:
    return {text for _, text in texts_of(body, 100_000) or ()}


@given(TEXT, TEXT)
def test_as_the_standard_library_reads_it(text: str, attribute: str) -> None:
    body = f"<r><e a={quoteattr(attribute)}>{escape(text)}</e></r>".encode()
    element = ElementTree.fromstring(body)[0]  # noqa: S314
    read = {element.text, element.get("a")} - {None}
    assert {one for one in read if one and not one.isspace()} <= values(body)


def test_entities_are_put_in_place_where_the_parser_would() -> None:
    body = b"""<!DOCTYPE r [<!ENTITY q "x' OR"><!ENTITY s "&q; 1">]><r a="&q;">a &s; --</r>"""
    assert ElementTree.fromstring(body).text in values(body)  # noqa: S314
    assert "x' OR" in values(body)


def test_no_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret")
    uri = (tmp_path / "secret").as_uri()
    body = f'<!DOCTYPE r [<!ENTITY x SYSTEM "{uri}">]><r>&x;</r>'.encode()
    assert "s3cret" not in str(texts_of(body, 100_000))
    assert uri in values(body)


def test_a_bomb_of_entities_is_said_and_cheap() -> None:
    def work(levels: int) -> None:
        names = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, levels + 1))
        body = f'<!DOCTYPE r [<!ENTITY a0 "ha">{names}]><r>&a{levels};</r>'.encode()
        with pytest.raises(MarkupTooLarge):
            texts_of(body, 100_000)

    assert growth(work, 6) < 8  # ten times more with each level, if all were put in place


@pytest.mark.parametrize("body", [b"", b"<", b"<a>", b"a < b", b"{}", b"<a></b>", b"\xff<"])
def test_what_is_no_document(body: bytes) -> None:
    assert texts_of(body, 100_000) is None

"""XML without a document type: nothing is expanded or fetched, and everything honest is read."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from xml.etree import ElementTree
from xml.sax import handler, make_parser
from xml.sax.xmlreader import InputSource

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.boundary.bodies.xml_document import check_xml, read_xml
from stockade.core.errors import Rejected
from tests.growth import growth

SOAP = (
    '<?xml version="1.0" encoding="utf-8"?>\n<!-- c --><s:Envelope xmlns:s="urn:s" xmlns="urn:d">'
    '<s:Body a="1" s:b="2"><order>Zoë &amp; &#x65E5;<![CDATA[<&]]></order><empty/></s:Body>'
    "</s:Envelope>"
).encode()


def outcome(body: bytes, max_depth: int = 64) -> tuple[int, str]:
    try:
        check_xml(body, max_depth)
    except Rejected as refused:
        return refused.code, refused.rule
    return 200, ""


def by_library(body: bytes) -> ElementTree.Element:
    return ElementTree.fromstring(body)  # noqa: S314  # which is what the tests are about


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"<!DOCTYPE a><a/>", (422, "body.doctype")),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', (422, "body.doctype")),
        (b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', (422, "body.doctype")),
        (b'<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1/">%x;]><a/>', (422, "body.doctype")),
        (b"<!DOCTYPE html><html/>", (422, "body.doctype")),
        (b'<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="/etc/passwd"/>', (422, "body.external")),
        (b'<?xml-stylesheet href="http://127.0.0.1/x.xsl"?><a/>', (422, "body.external")),
        ('<?xml version="1.0" encoding="utf-16"?><a/>'.encode("utf-16"), (415, "body.charset")),
        ("<a/>".encode("utf-16-le"), (415, "body.charset")),
        ("<a/>".encode("utf-16-be"), (415, "body.charset")),
        (b'<?xml version="1.0" encoding="iso-8859-1"?><a>\xe9</a>', (415, "body.charset")),
        (b'<?xml version="1.0" encoding="utf-7"?><a>+ADw-</a>', (415, "body.charset")),
        (b'<?xml version="1.0" encoding="us-ascii"?><a>\xff</a>', (400, "body.xml")),
        (b"<a>\xff</a>", (400, "body.xml")),
        (b"<a>&x;</a>", (400, "body.xml")),
        (b"<a>&#0;</a>", (400, "body.xml")),
        (b"<a/><b/>", (400, "body.xml")),
        (b"<a>", (400, "body.xml")),
        (b"", (400, "body.xml")),
        (b"a", (400, "body.xml")),
        (b"<p:a/>", (400, "body.xml")),
        (b'<a b="1" b="2"/>', (400, "body.xml")),
        (b'<a xmlns:p="u" xmlns:q="u" p:b="1" q:b="2"/>', (400, "body.xml")),
        (b"<a>" * 65 + b"</a>" * 65, (400, "body.depth")),
        (b"<a>" * 100_000, (400, "body.depth")),
        (b"<a " + b" ".join(b'b%d=""' % number for number in range(257)) + b"/>", (413, "body.fields")),
    ],
)  # fmt: skip
def test_documents_that_are_refused(body: bytes, expected: tuple[int, str]) -> None:
    assert outcome(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        SOAP,
        b"\xef\xbb\xbf" + SOAP,
        b'<?xml version="1.0" encoding="US-ASCII" standalone="yes"?><a/>',
        b'<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>',
        b"<a>&lt;!DOCTYPE a&gt;<![CDATA[<!DOCTYPE a>]]><!-- <!ENTITY x> --></a>",
        b"<?php?><a>" + b"<b/>" * 10_000 + b"</a>",
        b"<a>" * 64 + b"</a>" * 64,
    ],
)
def test_honest_documents_are_read_as_the_standard_library_reads_them(body: bytes) -> None:
    assert outcome(body) == (200, "")
    theirs = ElementTree.canonicalize(ElementTree.tostring(by_library(body)))
    assert ElementTree.canonicalize(ElementTree.tostring(read_xml(body, 64))) == theirs


@pytest.mark.asvs("V1.5.1")
def test_an_external_entity_reads_a_file_for_sax_and_not_for_us(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("swordfish")
    body = f'<!DOCTYPE a [<!ENTITY x SYSTEM "{secret.as_uri()}">]><a>&x;</a>'.encode()
    parser = make_parser()  # noqa: S317  # the attack has to work somewhere
    source, seen = InputSource(), handler.ContentHandler()
    texts: list[str] = []
    seen.characters = texts.append  # type: ignore[method-assign, assignment]
    parser.setFeature(handler.feature_external_ges, True)
    parser.setContentHandler(seen)
    with secret.parent.joinpath("body").open("w+b") as file:
        file.write(body)
        file.seek(0)
        source.setByteStream(file)
        parser.parse(source)
    assert "".join(texts) == "swordfish"
    assert outcome(body) == (422, "body.doctype")
    assert outcome(b"<a>swordfish</a>")[0] == 200


def test_entities_multiply_text_for_the_standard_library_and_not_for_us() -> None:
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 5))
    body = f'<!DOCTYPE a [<!ENTITY e0 "xxxxxxxxxx">{levels}]><a>&e4;</a>'.encode()
    assert len(by_library(body).text or "") == 100_000 > 200 * len(body)
    assert outcome(body) == (422, "body.doctype")


texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cn"]))
names = st.sampled_from(["a", "b", "{urn:x}a", "{urn:y}b"])


def element(name: str, attributes: dict[str, str], text: str, inner: list[ElementTree.Element]) -> ElementTree.Element:  # fmt: skip
    made = ElementTree.Element(name, attributes)
    made.text = text
    made.extend(inner)
    return made


elements = st.recursive(
    st.builds(element, names, st.dictionaries(names, texts), texts, st.just([])),
    lambda inner: st.builds(
        element, names, st.dictionaries(names, texts), texts, st.lists(inner, max_size=3)
    ),
    max_leaves=8,
)


@given(elements, st.sampled_from(["utf-8", "us-ascii"]))
def test_what_the_standard_library_writes_is_read_again(
    root: ElementTree.Element, encoding: str
) -> None:
    body = ElementTree.tostring(root, encoding)
    again = read_xml(body, 64)
    assert ElementTree.canonicalize(ElementTree.tostring(again)) == ElementTree.canonicalize(
        ElementTree.tostring(by_library(body))
    )


PIECES = ["<a", ">", "</a>", "/>", "<!DOCTYPE a", "[", "]", "<!ENTITY x '", "'", "&x;", "&#1;",
          "<?xml version='1.0' encoding='", "utf-16", "?>", " b='", "<![CDATA[", "]]>", "\0", "é"]  # fmt: skip


@given(st.binary() | st.lists(st.sampled_from(PIECES)).map("".join).map(str.encode))
def test_no_bytes_crash_it_and_no_document_type_passes(body: bytes) -> None:
    with suppress(Rejected):
        check_xml(body, 64)
        outside = re.sub(rb"<!\[CDATA\[.*?\]\]>", b"", body, flags=re.DOTALL)
        assert b"<!DOCTYPE" not in outside


@pytest.mark.parametrize("piece", [b"<b/>", b"<b>", b"&amp;", b"<!---->", b"x"])
def test_the_cost_is_linear(piece: bytes) -> None:
    def work(size: int) -> None:
        closing = b"</b>" * size if piece == b"<b>" else b""
        check_xml(b"<a>" + piece * size + closing + b"</a>", 1 << 30)

    assert growth(work, 2_000) < 9

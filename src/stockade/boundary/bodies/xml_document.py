"""XML without a document type: nothing to expand, nothing to fetch, and one way to read it.

Entities (billion laughs), external subsets and entities (XXE) need a document type declaration,
which no message between programs needs: it is refused where it begins, before expat reads on. So
are XInclude and `xml-stylesheet`, by which a document names others. UTF-8 is the only encoding:
what a UTF-16 document says, a check that expects ASCII does not see. Prefixes must be bound, for
parsers differ on those that are not. XML 1.0, 5th edition; Namespaces 1.0; ASVS 5.0 V1.5.1.

Documents that come with a document type by habit (XHTML, many an SVG file) are refused too: take
such a file as an upload, where `stockade.boundary.Document` may judge it.
"""

from __future__ import annotations

from typing import Any, NoReturn, Protocol
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from stockade.boundary.bodies.refusal import refuse

__all__ = ["check_xml", "read_xml"]

_MAX_ATTRIBUTES = 256
_UTF_16 = (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")
_ENCODINGS = frozenset({"utf-8", "us-ascii"})
_INCLUDE = "http://www.w3.org/2001/XInclude}"


class _Sink(Protocol):
    """What a tree is built by; its methods are called as expat finds things."""

    def start(self, tag: str, attributes: dict[str, str], /) -> Any: ...
    def end(self, tag: str, /) -> Any: ...
    def data(self, text: str, /) -> Any: ...


def check_xml(body: bytes, max_depth: int) -> None:
    """Refuse XML that is malformed, nested too deeply, or names anything outside of itself.

    Raises Rejected: 400, 413 for an element of too many attributes, 415 for an encoding other than
    UTF-8, 422 for a document type and for references to other documents.
    """
    _parse(body, _Checks(max_depth))


def read_xml(body: bytes, max_depth: int) -> Element:
    """The document's root, names as `{namespace}name`. Raises Rejected, as `check_xml`."""
    builder = TreeBuilder()
    _parse(body, _Checks(max_depth, builder))
    return builder.close()


class _Checks:
    def __init__(self, max_depth: int, sink: _Sink | None = None) -> None:
        self.left = max_depth
        self.sink = sink
        self.parser = parser = expat.ParserCreate(encoding="UTF-8", namespace_separator="}")
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.XmlDeclHandler = self.declared
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.ProcessingInstructionHandler = self.instruction
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        if sink is not None:
            parser.buffer_text = True
            parser.CharacterDataHandler = sink.data

    def declared(self, version: str, encoding: str | None, standalone: int) -> None:
        if encoding is not None and encoding.lower() not in _ENCODINGS:
            refuse("charset", "The XML declares an encoding that is not supported: use UTF-8.", 415)

    def instruction(self, target: str, data: str) -> None:
        if target == "xml-stylesheet":
            refuse("external", "The XML names a style sheet outside of itself.", 422)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.left -= 1
        if self.left < 0:
            refuse("depth", "The XML is nested too deeply.")
        if len(attributes) > _MAX_ATTRIBUTES:
            refuse("fields", "An element of the XML has too many attributes.", 413)
        if tag.startswith(_INCLUDE):
            refuse("external", "The XML includes something outside of itself.", 422)
        if self.sink is not None:
            named = {_name(name): value for name, value in attributes.items()}
            self.sink.start(_name(tag), named)

    def end(self, tag: str) -> None:
        self.left += 1
        if self.sink is not None:
            self.sink.end(_name(tag))


def _parse(body: bytes, checks: _Checks) -> None:
    if body.startswith(_UTF_16):
        refuse("charset", "The XML is UTF-16, which is not supported: use UTF-8.", 415)
    try:
        checks.parser.Parse(body, True)
    except expat.ExpatError:
        refuse("xml", "The body is not well-formed XML in UTF-8.")


def _refuse_doctype(*declared: object) -> NoReturn:
    refuse("doctype", "The XML declares a document type, which is not accepted.", 422)


def _name(name: str) -> str:
    return "{" + name if "}" in name else name

"""The texts of an XML document: of elements, attributes, comments and processing instructions.

Read by expat, as the usual parsers do. External entities are never loaded. Internal ones are not
expanded by the parser; what one stands for is a value by itself, and put in place in the text of
an element, in bounds.
"""

from __future__ import annotations

import re
from xml.parsers import expat

__all__ = ["MarkupTooLarge", "texts_of"]

_BEGINS = re.compile(rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?[\s\0]*<").match
_ENTITY = re.compile(r"&([^;&\s]+);")
_MAX_DEPTH = 4


class MarkupTooLarge(ValueError):
    """The document's entities stand for more text than is indexed."""


def texts_of(body: bytes, limit: int) -> list[tuple[str, str]] | None:
    """Each text with the name it came under; None where `body` is no well-formed document.

    Raises MarkupTooLarge where entities expand to more than `limit` characters.
    """
    if _BEGINS(body) is None:
        return None
    reader = _Reader(limit)
    try:
        reader.parser.Parse(body, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        if isinstance(error, MarkupTooLarge):
            raise
        return None
    return reader.found


class _Reader:
    def __init__(self, limit: int) -> None:
        self.found: list[tuple[str, str]] = []
        self.left = limit
        self.entities: dict[str, str] = {}
        self.names: list[str] = []
        self.text: list[str] = []
        self.parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.text.append
        parser.CommentHandler = self.comment
        parser.ProcessingInstructionHandler = self.instruction
        parser.EntityDeclHandler = self.declare
        # Set, it keeps expat from expanding internal entities: they come here as `&name;`.
        parser.DefaultHandler = self.default

    def put(self, name: str, text: str) -> None:
        if text and not text.isspace():
            self.found.append((name, text))

    def flush(self) -> None:
        self.put(self.names[-1] if self.names else "", "".join(self.text))
        self.text.clear()

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.flush()
        self.names.append(name)
        self.put(name, name)
        for attribute, value in attributes.items():
            self.put(attribute, attribute)
            self.put(attribute, value)  # its entities are expanded already
            self.left -= len(value)
        if self.left < 0:
            raise MarkupTooLarge

    def end(self, _: str) -> None:
        self.flush()
        self.names.pop()

    def comment(self, text: str) -> None:
        self.put("", text)

    def instruction(self, target: str, text: str) -> None:
        self.put(target, text)

    def declare(
        self,
        name: str,
        is_parameter: bool,
        value: str | None,
        _base: str | None,
        system: str | None,
        public: str | None,
        _notation: str | None,
    ) -> None:
        for text in (value, system, public):
            self.put(name, text or "")
        if value is not None and not is_parameter:
            self.entities.setdefault(name, value)

    def default(self, text: str) -> None:
        if text[:1] == "&":
            self.text.append(self.expanded(text, 0))

    def expanded(self, text: str, depth: int) -> str:
        self.left -= len(text)
        if self.left < 0 or depth > _MAX_DEPTH:
            raise MarkupTooLarge

        def value(match: re.Match[str]) -> str:
            known = self.entities.get(match[1])
            return match[0] if known is None else self.expanded(known, depth + 1)

        return _ENTITY.sub(value, text)

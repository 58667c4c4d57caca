"""Documents in a body that are neither JSON nor a form: XML, lines of JSON, MessagePack, tables."""

from __future__ import annotations

import csv
from collections.abc import Iterator

import msgspec

from stockade.core.decoding import read_json, strings_of
from stockade.core.inputs import Inputs, Source
from stockade.integrations.markup import MarkupTooLarge, texts_of

__all__ = ["add_json_lines", "add_markup", "add_message_pack", "fields_of"]

_DELIMITERS = (",", ";", "\t", "|")


def add_json_lines(inputs: Inputs, body: bytes) -> bool:
    """Index a document a line (NDJSON), if each of the first two is one; say whether they are."""
    lines = body.split(b"\n")
    if len(lines) < 2 or body.lstrip()[:1] not in (b"{", b"[", b'"'):
        return False
    filled = [line for line in lines if line.strip()]
    if not filled or any(read_json(line) is None for line in filled[:2]):
        return False
    for line in filled:
        inputs.add_json_text(line)
        if inputs.overflow:
            break
    return True


def add_markup(inputs: Inputs, body: bytes) -> bool:
    """Index the texts of an XML document, if `body` is one; say whether it is."""
    try:
        texts = texts_of(body, inputs.limits.characters)
    except MarkupTooLarge:
        inputs.overflow = True
        return False
    for name, text in texts or ():
        inputs.add(Source.BODY, name, text)
        if inputs.overflow:
            break
    return texts is not None


def add_message_pack(inputs: Inputs, body: bytes) -> None:
    """Index the strings of a MessagePack document."""
    try:
        inputs.add_json(msgspec.msgpack.decode(body, strict=False))
    except (msgspec.DecodeError, UnicodeError):
        return  # no decoder gets a document out of it
    except RecursionError:
        inputs.overflow = True


def fields_of(text: str) -> Iterator[str]:
    """What an application may take out of a small text: JSON strings, lines, fields."""
    if text[:1] in ('"', "{", "["):
        document = read_json(text)
        if document is not None:
            yield from (string for _, string, _ in strings_of(document))
            return
    lines = text.splitlines()
    if len(lines) > 1:
        yield from lines
        yield from (line.strip() for line in lines)
    for delimiter in _DELIMITERS:
        if delimiter in text:
            try:
                for row in csv.reader(lines, delimiter=delimiter):
                    yield from row
            except csv.Error:
                continue  # a field too large, or a quote that nothing ends: no table

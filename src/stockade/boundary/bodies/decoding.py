"""Bodies as Python objects, for callers without a web framework: queues, files, webhooks.

    order = decode(message.content_type, message.body)

The same rules as at the edge of a guarded application, the same `Rejected`, and an event for each
refusal. What comes out is data without a contract: give it to `stockade.boundary.validate`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stockade.boundary.bodies.form import read_form
from stockade.boundary.bodies.json_lines import read_lines, read_sequence
from stockade.boundary.bodies.media_type import Kind, media_type
from stockade.boundary.bodies.refusal import refuse, reported
from stockade.boundary.bodies.strict_json import read_json
from stockade.boundary.bodies.xml_document import read_xml

__all__ = ["decode"]

_READERS: dict[Kind, Callable[[bytes, int], Any]] = {
    "json": read_json,
    "lines": read_lines,
    "sequence": read_sequence,
    "xml": read_xml,
}


def decode(
    content_type: str,
    body: bytes,
    *,
    max_depth: int = 64,
    max_fields: int = 1_000,
    max_field_bytes: int = 1 << 20,
) -> Any:
    """`body` as what its `content_type` says it is.

    JSON as the standard library reads it, a list of such documents for JSON lines and sequences,
    a list of pairs for a form, an `xml.etree.ElementTree.Element` for XML.

    `max_depth` counts nested arrays, objects and elements; sizes are in bytes. Raises Rejected,
    which is an event too: 400, 413, 415 and 422 as `check_body`, and 415 for every other kind
    (multipart is for frameworks, which stream its files).
    """
    with reported():
        kind = media_type(content_type).kind
        if kind == "form":
            return read_form(body, max_fields, max_field_bytes)
        read = _READERS.get(kind)
        if read is None:
            refuse("media-type", "This media type is not read here.", 415)
        return read(body, max_depth)

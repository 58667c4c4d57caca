"""The bytes of a body, before any parser of the application reads them.

What one parser takes for this and the next for that is where attackers live, so only what every
parser reads alike passes (ASVS 5.0 V1.1.1, V1.5.1, V1.5.3, V2.2.1, V4.1.1). The Content-Type
decides by which rules; what each kind of body may be, `stockade.boundary.bodies` says.

* A Content-Type that is no media type is refused (400), whatever was meant; frameworks guess.
* A charset other than UTF-8 for JSON, forms, multipart or XML is refused (415).
* `+json`, `+json-seq` and `+xml` are JSON and XML (RFC 6839, RFC 8091), of whatever type.
* A body without Content-Type may be anything (RFC 9110, 8.3), and some frameworks then try JSON:
  what Python's `json` would take must be strict JSON, everything else passes.
* A body of any other kind passes: JSON that was declared as text is text. An application that
  parses it as JSON nevertheless has to judge it (`stockade.boundary.validate_json`).
* An empty body passes: whether it may be absent is the contract's business.
"""

from __future__ import annotations

import json

from stockade.boundary.bodies.form import check_form
from stockade.boundary.bodies.json_lines import read_lines, read_sequence
from stockade.boundary.bodies.media_type import media_type
from stockade.boundary.bodies.multipart import check_multipart
from stockade.boundary.bodies.strict_json import read_json
from stockade.boundary.bodies.xml_document import check_xml
from stockade.core.errors import Rejected

__all__ = ["check_body"]


def check_body(
    content_type: str,
    body: bytes,
    *,
    max_depth: int,
    max_fields: int = 1_000,
    max_field_bytes: int = 1 << 20,
) -> None:
    """Refuse a complete `body` that its `content_type` does not describe, or that parsers dispute.

    `max_depth` counts nested arrays, objects and elements; `max_fields` the fields of a form and
    the parts of a multipart body; `max_field_bytes` is for one field that is no file. Raises
    Rejected: 400 for what cannot be read, 413 for too much of it, 415 for an encoding other than
    UTF-8, 422 for what can be read in more than one way. The caller emits the event: it knows
    whether a refusal blocks or only observes.
    """
    if not content_type or content_type.isspace():
        _check_unlabelled(body, max_depth)
        return
    _, kind, boundary = media_type(content_type)
    if not body or kind == "other":
        return
    if kind == "json":
        read_json(body, max_depth)
    elif kind == "form":
        check_form(body, max_fields, max_field_bytes)
    elif kind == "multipart":

        def judge(said: str, content: bytes) -> None:
            check_body(
                said,
                content,
                max_depth=max_depth,
                max_fields=max_fields,
                max_field_bytes=max_field_bytes,
            )

        check_multipart(body, boundary, max_fields, max_field_bytes, judge)
    elif kind == "xml":
        check_xml(body, max_depth)
    elif kind == "lines":
        read_lines(body, max_depth)
    else:
        read_sequence(body, max_depth)


def _check_unlabelled(body: bytes, max_depth: int) -> None:
    if not body:
        return
    try:
        read_json(body, max_depth)
    except Rejected:
        try:
            json.loads(body)
        except RecursionError:  # it would have been a 500
            pass
        except ValueError:
            return
        raise

"""Read a body into untrusted inputs, as whatever the application might take it for.

The declared content type decides what is tried first, not what is believed: an application may
parse a body as JSON that was declared as text.
"""

from __future__ import annotations

import email.parser
import email.policy
from typing import TYPE_CHECKING

from stockade.core.inputs import Inputs, Source, read_json

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

__all__ = ["add_body"]


def add_body(inputs: Inputs, content_type: str, body: bytes) -> None:
    """Index the values of `body`."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == "multipart/form-data":
        _add_multipart(inputs, content_type, body)
        return
    document = read_json(body)
    if document is not None:
        inputs.add_json(document)
    text = body.decode("utf-8", "replace")
    if media_type == "application/x-www-form-urlencoded" or (document is None and "=" in text):
        inputs.add_query(Source.FORM, text)
    if document is None or isinstance(document, (str, int, float)):
        inputs.add(Source.BODY, "", text)


def _add_multipart(inputs: Inputs, content_type: str, body: bytes) -> None:
    try:
        from python_multipart.multipart import parse_options_header
    except ImportError:
        _add_multipart_by_email(inputs, content_type, body)
        return
    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if boundary is None:
        inputs.add(Source.BODY, "", body.decode("utf-8", "replace"))
    else:
        _add_multipart_parts(inputs, boundary, body)


def _add_multipart_parts(inputs: Inputs, boundary: bytes, body: bytes) -> None:
    """With the parser that Starlette uses, so that both see the same parts."""
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import MultipartParser, parse_options_header

    field, value, disposition = bytearray(), bytearray(), bytearray()
    content = bytearray()

    def header_begin() -> None:
        field.clear()
        value.clear()

    def header_end() -> None:
        if bytes(field).lower() == b"content-disposition":
            disposition[:] = value
        _add_text(inputs, "", bytes(value))

    def part_begin() -> None:
        content.clear()
        disposition.clear()

    def part_end() -> None:
        options = parse_options_header(bytes(disposition))[1]
        _add_part(inputs, options, bytes(content))

    callbacks: MultipartCallbacks = {
        "on_part_begin": part_begin,
        "on_header_begin": header_begin,
        "on_header_field": lambda data, start, end: field.extend(data[start:end]),
        "on_header_value": lambda data, start, end: value.extend(data[start:end]),
        "on_header_end": header_end,
        "on_part_data": lambda data, start, end: content.extend(data[start:end]),
        "on_part_end": part_end,
    }
    try:
        MultipartParser(boundary, callbacks).write(body)
    except FormParserError:
        pass  # what came before the fault is indexed; the application's parser stops there too
    if content:  # a part that was still open at the fault
        _add_part(inputs, parse_options_header(bytes(disposition))[1], bytes(content))


def _add_part(inputs: Inputs, options: dict[bytes, bytes], content: bytes) -> None:
    name = options.get(b"name", b"").decode("utf-8", "replace")
    _add_text(inputs, name, options.get(b"name", b""))
    filename = options.get(b"filename")
    if filename is None:
        _add_text(inputs, name, content)
    else:
        _add_text(inputs, name, filename)
        inputs.add_file(name, content.decode("utf-8", "replace"))


def _add_text(inputs: Inputs, name: str, data: bytes) -> None:
    try:
        inputs.add(Source.FORM, name, data.decode())
    except UnicodeDecodeError:
        inputs.add(Source.FORM, name, data.decode("latin-1"))
        inputs.add(Source.FORM, name, data.decode("utf-8", "replace"))


def _add_multipart_by_email(inputs: Inputs, content_type: str, body: bytes) -> None:
    head = f"Content-Type: {content_type}\r\nMIME-Version: 1.0\r\n\r\n".encode("latin-1", "replace")
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    for part in message.iter_parts() if message.is_multipart() else ():
        name = part.get_param("name", header="content-disposition") or ""
        inputs.add(Source.FORM, str(name), str(name))
        payload = part.get_payload(decode=True)
        data = payload if isinstance(payload, bytes) else b""
        filename = part.get_filename()
        if filename is None:
            _add_text(inputs, str(name), data)
        else:
            inputs.add(Source.FORM, str(name), filename)
            inputs.add_file(str(name), data.decode("utf-8", "replace"))

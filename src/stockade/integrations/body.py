"""Read a body into untrusted inputs, as whatever the application might take it for.

The declared content type decides what is tried first, not what is believed: an application may
parse a body as JSON that was declared as text, or as an upload.
"""

from __future__ import annotations

import email.parser
import email.policy
from typing import TYPE_CHECKING

from stockade.core.inputs import Inputs, Source

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

__all__ = ["add_body"]

_FORM = "application/x-www-form-urlencoded"
# Whoever takes an upload of this size as anything else has a text of this size to put it in.
_SMALL = 65_536


def add_body(inputs: Inputs, content_type: str, body: bytes) -> None:
    """Index the values of `body`."""
    said = content_type.lower()
    if "multipart/" in said and _add_multipart(inputs, content_type, body) and len(body) > _SMALL:
        return
    _add_plain(inputs, _FORM in said, body)


def _add_plain(inputs: Inputs, is_form: bool, body: bytes) -> None:
    """As JSON, as a form, and as it stands."""
    is_json = inputs.add_json_text(body)
    try:
        text = body.decode()
    except UnicodeDecodeError:
        if is_form:
            inputs.add_query(Source.FORM, body.decode("latin-1"))
        _add_bytes(inputs, Source.BODY, "", body)
        return
    if is_form or (not is_json and "=" in text):
        inputs.add_query(Source.FORM, body.decode("latin-1"))
    if is_json or len(text) > _SMALL:
        inputs.add_whole(Source.BODY, "", text)
    else:
        inputs.add(Source.BODY, "", text)


def _add_bytes(inputs: Inputs, source: str, name: str, content: bytes) -> None:
    """Bytes as one value: a file, or a body that is no text."""
    try:
        inputs.add_whole(source, name, content.decode())
    except UnicodeDecodeError:
        inputs.add_whole(source, name, content.decode("utf-8", "replace"))
        inputs.add_whole(source, name, content.decode("latin-1"))


def _add_multipart(inputs: Inputs, content_type: str, body: bytes) -> bool:
    """Index the parts; say whether the body is wholly made of parts."""
    try:
        from python_multipart.multipart import parse_options_header
    except ImportError:
        return _add_multipart_by_email(inputs, content_type, body) > 0
    options = parse_options_header(content_type)[1]
    boundary = options.get(b"boundary")
    if boundary is None:
        return False
    charset = options.get(b"charset", b"utf-8").decode("latin-1")
    parts = _add_multipart_parts(inputs, boundary, charset, body)
    return parts > 0 and body.startswith(b"--" + boundary)


def _add_multipart_parts(inputs: Inputs, boundary: bytes, charset: str, body: bytes) -> int:
    """With the parser that Starlette uses, so that both see the same parts."""
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import MultipartParser, parse_options_header

    field, value, disposition = bytearray(), bytearray(), bytearray()
    content = bytearray()
    parts, is_open, is_broken = 0, False, False

    def header_begin() -> None:
        field.clear()
        value.clear()

    def header_end() -> None:
        if bytes(field).lower() == b"content-disposition":
            disposition[:] = value
        _add_text(inputs, "", bytes(value), charset)

    def part_begin() -> None:
        nonlocal is_open
        is_open = True
        content.clear()
        disposition.clear()

    def part_end() -> None:
        nonlocal parts, is_open
        parts, is_open = parts + 1, False
        options = parse_options_header(bytes(disposition))[1]
        _add_part(inputs, options, bytes(content), charset)

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
        is_broken = True
    if is_open:  # at the fault, or because the rest of an upload is still to come
        parts += 1
        _add_part(inputs, parse_options_header(bytes(disposition))[1], bytes(content), charset)
    # The application's parser stops at a fault; what else reads the body may not.
    return 0 if is_broken else parts


def _add_part(inputs: Inputs, options: dict[bytes, bytes], content: bytes, charset: str) -> None:
    name = options.get(b"name", b"").decode("utf-8", "replace")
    _add_text(inputs, name, options.get(b"name", b""), charset)
    filename = options.get(b"filename")
    if filename is None:
        _add_text(inputs, name, content, charset)
    else:
        _add_text(inputs, name, filename, charset)
        _add_bytes(inputs, Source.FORM, name, content)


def _add_text(inputs: Inputs, name: str, data: bytes, charset: str) -> None:
    """A field in UTF-8, in the charset that the request declares, and in Latin-1 failing these."""
    for encoding in dict.fromkeys(("utf-8", charset)):
        try:
            inputs.add(Source.FORM, name, data.decode(encoding))
        except (LookupError, ValueError):  # no such charset, or the bytes are not in it
            inputs.add(Source.FORM, name, data.decode("latin-1"))
            inputs.add(Source.FORM, name, data.decode("utf-8", "replace"))


def _add_multipart_by_email(inputs: Inputs, content_type: str, body: bytes) -> int:
    head = f"Content-Type: {content_type}\r\nMIME-Version: 1.0\r\n\r\n".encode("latin-1", "replace")
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    charset = message.get_content_charset("utf-8")
    parts = 0
    for part in message.iter_parts() if message.is_multipart() else ():
        parts += 1
        name = str(part.get_param("name", header="content-disposition") or "")
        inputs.add(Source.FORM, name, name)
        payload = part.get_payload(decode=True)
        data = payload if isinstance(payload, bytes) else b""
        filename = part.get_filename()
        if filename is None:
            _add_text(inputs, name, data, charset)
        else:
            inputs.add(Source.FORM, name, filename)
            _add_bytes(inputs, Source.FORM, name, data)
    return parts

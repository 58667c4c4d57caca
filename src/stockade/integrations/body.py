"""Read a body into untrusted inputs, as whatever the application might take it for.

The declared content type decides what is tried first, not what is believed: an application may
parse a body as JSON that was declared as text, or as an upload.
"""

from __future__ import annotations

import binascii
import email.parser
import email.policy
from typing import TYPE_CHECKING

from stockade.core.fields import parameters
from stockade.core.inputs import Inputs, Source
from stockade.integrations.charsets import charset_of, decoded
from stockade.integrations.documents import (
    add_json_lines,
    add_markup,
    add_message_pack,
    fields_of,
)
from stockade.integrations.inflated import inflated

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

__all__ = ["add_body"]

_FORM = "application/x-www-form-urlencoded"
# Whoever takes an upload of this size as anything else has a text of this size to put it in.
_SMALL = 65_536
_MAX_NESTED = 3


def add_body(inputs: Inputs, content_type: str, body: bytes, coding: str = "") -> None:
    """Index the values of `body`; `coding` is the request's Content-Encoding.

    A body that is compressed is indexed as it came and as it is inflated; one that says so and
    inflates to more than `inputs.limits.characters` is more than is indexed.
    """
    limit = inputs.limits.characters if coding else _SMALL
    for content in inflated(body, coding, limit):
        if coding and not content.whole:
            inputs.overflow = True
            return
        _add_content(inputs, content_type, content.body)
    _add_content(inputs, content_type, body)


def _add_content(inputs: Inputs, content_type: str, body: bytes) -> None:
    said = content_type.lower()
    if "multipart/" in said and _add_multipart(inputs, content_type, body):
        if len(body) <= _SMALL:
            _add_parts_as_text(inputs, body)
        return
    _add_plain(inputs, _FORM in said, body)
    if "msgpack" in said:
        add_message_pack(inputs, body)
    if "charset" in said:
        _add_in_charset(inputs, charset_of(content_type), _FORM in said, body)


def _add_parts_as_text(inputs: Inputs, body: bytes) -> None:
    """A body of parts once more, for who reads it as something else; its parts are indexed."""
    text = body.decode("utf-8", "replace")
    inputs.add_whole(Source.BODY, "", text)
    inputs.add_acting(Source.BODY, "", fields_of(text))
    if "&" in text:
        inputs.add_query(Source.FORM, body.decode("latin-1"))


def _add_in_charset(inputs: Inputs, charset: str, is_form: bool, body: bytes) -> None:
    """A body in the charset that it names, and a form whose percent-encoded bytes are in it."""
    text = decoded(body, charset) if charset else None
    if text is not None:
        _add_plain(inputs, is_form, text.encode("utf-8", "replace"))
    if charset and (is_form or b"=" in body) and body.isascii():
        inputs.add_query(Source.FORM, body.decode("ascii"), charset)


def _add_plain(inputs: Inputs, is_form: bool, body: bytes) -> None:
    """As JSON, as XML, as a form, and as it stands."""
    is_document = (
        inputs.add_json_text(body) or add_json_lines(inputs, body) or add_markup(inputs, body)
    )
    try:
        text = body.decode()
    except UnicodeDecodeError:
        if is_form:
            inputs.add_query(Source.FORM, body.decode("latin-1"))
        _add_bytes(inputs, Source.BODY, "", body)
        return
    if is_form or (not is_document and "=" in text):
        inputs.add_query(Source.FORM, body.decode("latin-1"))
    if is_document or len(text) > _SMALL:
        inputs.add_whole(Source.BODY, "", text)
    else:
        inputs.add(Source.BODY, "", text)
        inputs.add_acting(Source.BODY, "", fields_of(text))


def _add_bytes(inputs: Inputs, source: str, name: str, content: bytes) -> None:
    """Bytes as one value: a file, or a body that is no text."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        inputs.add_whole(source, name, content.decode("utf-8", "replace"))
        inputs.add_whole(source, name, content.decode("latin-1"))
        return
    inputs.add_whole(source, name, text)
    if len(content) <= _SMALL:
        inputs.add_acting(source, name, fields_of(text))


def _add_multipart(inputs: Inputs, content_type: str, body: bytes, depth: int = 0) -> bool:
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
    parts = _add_multipart_parts(inputs, boundary, charset, body, depth)
    return parts > 0 and body.startswith(b"--" + boundary)


def _add_multipart_parts(
    inputs: Inputs, boundary: bytes, charset: str, body: bytes, depth: int
) -> int:
    """With the parser that Starlette uses, so that both see the same parts."""
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import MultipartParser, parse_options_header

    field, value, content = bytearray(), bytearray(), bytearray()
    head: dict[bytes, bytes] = {}
    parts, is_open, is_broken = 0, False, False

    def header_begin() -> None:
        field.clear()
        value.clear()

    def header_end() -> None:
        head[bytes(field).lower()] = bytes(value)
        _add_text(inputs, "", bytes(value), charset)
        for parameter in parameters(value.decode("utf-8", "replace")):  # `filename*`, RFC 8187
            inputs.add(Source.FORM, "", parameter)

    def part_begin() -> None:
        nonlocal is_open
        is_open = True
        content.clear()
        head.clear()

    def part_end() -> None:
        nonlocal parts, is_open
        parts, is_open = parts + 1, False
        options = parse_options_header(head.get(b"content-disposition", b""))[1]
        kind = head.get(b"content-type", b"").decode("latin-1")
        _add_part(inputs, options, bytes(content), charset)
        if own := charset_of(kind):
            _add_text(inputs, "", bytes(content), own)
        _add_transferred(inputs, head, bytes(content), charset, depth)

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
        part_end()
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


def _add_transferred(
    inputs: Inputs, head: dict[bytes, bytes], content: bytes, charset: str, depth: int
) -> None:
    """A part that is a multipart body itself, or was encoded for the transfer (RFC 7578, 4.7)."""
    encoding = head.get(b"content-transfer-encoding", b"").strip().lower()
    if encoding in (b"base64", b"quoted-printable"):
        try:
            decode = binascii.a2b_base64 if encoding == b"base64" else binascii.a2b_qp
            content = decode(content)
        except ValueError:
            return
        if len(content) > _SMALL:
            _add_bytes(inputs, Source.FORM, "", content)
        else:
            _add_text(inputs, "", content, charset)
    kind = head.get(b"content-type", b"").decode("latin-1")
    if (own := charset_of(kind)) and encoding:
        _add_text(inputs, "", content, own)
    if "multipart/" in kind.lower() and depth < _MAX_NESTED:
        _add_multipart(inputs, kind, content, depth + 1)


def _add_text(inputs: Inputs, name: str, data: bytes, charset: str) -> None:
    """A field in UTF-8, in the charset that the request declares, and in Latin-1 failing these."""
    for encoding in dict.fromkeys(("utf-8", charset)):
        text = decoded(data, encoding)
        if text is None:
            inputs.add(Source.FORM, name, data.decode("latin-1"))
            inputs.add(Source.FORM, name, data.decode("utf-8", "replace"))
        else:
            inputs.add(Source.FORM, name, text)


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

"""What the parsers behind Flask (Werkzeug) and FastAPI (python-multipart) read in a body."""

from __future__ import annotations

import io
from typing import TypeAlias

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from werkzeug.formparser import MultiPartParser

__all__ = ["Parts", "by_starlette", "by_werkzeug"]

Parts: TypeAlias = list[tuple[str, str | None, bytes]]
"""Name, file name (None for a plain field) and content, sorted."""


def by_werkzeug(body: bytes, boundary: str) -> Parts | None:
    """The parts; None where it refuses the body."""
    parser = MultiPartParser(stream_factory=lambda *_, **__: io.BytesIO())
    try:
        fields, files = parser.parse(io.BytesIO(body), boundary.encode(), len(body))
    except ValueError:
        return None
    found: Parts = [(name, None, text.encode()) for name, text in fields.items(multi=True)]
    found += [(name, file.filename, file.read()) for name, file in files.items(multi=True)]
    return sorted(found, key=repr)


def by_starlette(body: bytes, boundary: str) -> Parts | None:
    """The same for the parser that Starlette builds on."""
    found: Parts = []
    head = [bytearray(), bytearray()]  # of the line that is being read
    said: dict[bytes, bytes] = {}
    content = bytearray()

    def begin() -> None:
        said.clear()
        content.clear()

    def line() -> None:
        said[bytes(head[0]).lower()] = bytes(head[1])
        head[:] = bytearray(), bytearray()

    def end() -> None:
        _, names = parse_options_header(said.get(b"content-disposition"))
        filename = names.get(b"filename")
        name = names.get(b"name", b"").decode()
        found.append((name, None if filename is None else filename.decode(), bytes(content)))

    parser = MultipartParser(
        boundary.encode(),
        {
            "on_part_begin": begin,
            "on_header_field": lambda data, start, stop: head[0].extend(data[start:stop]),
            "on_header_value": lambda data, start, stop: head[1].extend(data[start:stop]),
            "on_header_end": line,
            "on_part_data": lambda data, start, stop: content.extend(data[start:stop]),
            "on_part_end": end,
        },
    )
    try:
        parser.write(body)
        parser.finalize()
    except FormParserError:
        return None
    return sorted(found, key=repr)

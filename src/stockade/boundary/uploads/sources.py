"""What the frameworks hand over for an uploaded file, as one thing: a stream of bytes and a name.

Starlette's and FastAPI's UploadFile (whose file is asked, for its own `read` is a coroutine),
Flask's and Werkzeug's FileStorage, Django's UploadedFile, and any binary file.
"""

from __future__ import annotations

import inspect
import io
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

__all__ = ["Source", "source_of"]

_CHUNK: Final = 1 << 16


class Source(NamedTuple):
    """`filename` is what the client said, unchecked; `size` is in bytes, None where unknown."""

    read: Callable[[int], Any]
    filename: str
    size: int | None

    def chunks(self) -> Iterator[bytes]:
        """The content. Raises TypeError where the file gives text instead of bytes."""
        while chunk := self.read(_CHUNK):
            if not isinstance(chunk, bytes):
                raise TypeError("an upload is read as bytes: open the file with mode 'rb'")
            yield chunk


def source_of(upload: Any) -> Source:
    """Raises TypeError for what no file can be read from."""
    read = getattr(upload, "read", None)
    file = upload
    if read is None or inspect.iscoroutinefunction(read):
        file = getattr(upload, "file", None)
        read = getattr(file, "read", None)
    if read is None:
        raise TypeError("no file to read: pass the framework's upload or an open binary file")
    return Source(read, _name(upload), _remaining(file))


def _name(upload: Any) -> str:
    """`filename` of Starlette and Flask, `name` of Django, who calls its uploads' base class so."""
    name = getattr(upload, "filename", None)
    if name is None and hasattr(upload, "content_type"):
        name = getattr(upload, "name", None)
    return name if isinstance(name, str) else ""


def _remaining(file: Any) -> int | None:
    try:
        here = file.tell()
        end = file.seek(0, io.SEEK_END)
        file.seek(here)
    except (AttributeError, OSError, ValueError):
        return None
    # Some files' `seek` returns nothing; then the size is not known.
    return end - here if isinstance(end, int) else None

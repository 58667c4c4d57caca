"""Documents that are kept as they came: PDF, and nothing that is something else as well.

What it stops: a file of another type under this name, and PDFs that are also a zip, a web page, a
PHP archive or a Java archive. What it does not: scripts, forms, attachments and links inside the
PDF, which may be compressed there; serve it with `download_headers`, and convert it to pictures
where that is not enough.
Sources: ISO 32000-2, 7.5; ASVS 5.0 V5.2.2; CWE-434; PHP manual, "Phar file format".
"""

from __future__ import annotations

import io
import re
from typing import BinaryIO, Final

from stockade.boundary.uploads.contract import Contract, Judged, kinds_of
from stockade.boundary.uploads.kinds import Kind
from stockade.boundary.uploads.refusal import Unfit

__all__ = ["Document"]

_FORMATS: Final = {"pdf": "PDF"}
_END: Final = 1_024
_ZIP_END: Final = 65_535 + 22
_CHUNK: Final = 1 << 16
_OVERLAP: Final = 64
_ELSEWHERE = re.compile(
    rb"__HALT_COMPILER\s*\(|<\?php|<!doctype html|<html[\s>]|<script[\s>]", re.IGNORECASE
)


class Document(Contract):
    """A PDF, unchanged."""

    def __init__(self, *, formats: tuple[str, ...] = ("pdf",), max_bytes: int = 10 << 20) -> None:
        """Raises ConfigError for another format than pdf."""
        self.kinds = kinds_of(formats, _FORMATS, "Document")
        self.max_bytes = max_bytes

    def judge(self, file: BinaryIO, kind: Kind) -> Judged:
        """See Contract. Reads all of it once."""
        length = file.seek(0, io.SEEK_END)
        if b"%%EOF" not in _tail(file, length, _END):
            raise Unfit("document-malformed", "The PDF has no end: it may not have arrived whole.")
        if b"PK\x05\x06" in _tail(file, length, _ZIP_END):
            raise _polyglot()
        file.seek(0)
        before = b""
        while chunk := file.read(_CHUNK):
            if _ELSEWHERE.search(before + chunk):
                raise _polyglot()
            before = chunk[-_OVERLAP:]
        return Judged(kind)


def _tail(file: BinaryIO, length: int, count: int) -> bytes:
    file.seek(max(0, length - count))
    return file.read(count)


def _polyglot() -> Unfit:
    return Unfit("polyglot", "The file is of two types at once.")

"""Decompression in bounded pieces: gzip, bzip2, xz, and the deflate of zip members.

Sources: RFC 1951, RFC 1952; the .xz format 1.2; CWE-409.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO, Final

from stockade.boundary.uploads.archives.budget import Budget, malformed
from stockade.boundary.uploads.archives.entry import CHUNK

__all__ = ["Inflated", "decompressor"]

_DICTIONARY: Final = 40 << 20
"""Bytes that an xz stream may ask for: enough for xz -8, not for xz -9."""
_MAX_STREAMS: Final = 100_000
_ERRORS = (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError)


class _Deflate:
    """zlib's decompressor in the shape of bz2's and lzma's."""

    def __init__(self, window: int) -> None:
        self._object = zlib.decompressobj(window)

    @property
    def eof(self) -> bool:
        return self._object.eof

    @property
    def unused_data(self) -> bytes:
        return self._object.unused_data

    @property
    def needs_input(self) -> bool:
        return not self._object.unconsumed_tail

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._object.decompress(self._object.unconsumed_tail + data, max_length)


_MAKERS: Final[dict[str, Callable[[], Any]]] = {
    "deflate": lambda: _Deflate(-15),
    "tar.gz": lambda: _Deflate(31),
    "tar.bz2": bz2.BZ2Decompressor,
    "tar.xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_DICTIONARY),
}


def decompressor(method: str) -> Any:
    """A new decompressor: `decompress(data, max_length)`, `eof`, `unused_data`, `needs_input`."""
    return _MAKERS[method]()


class Inflated:
    """A compressed file as a stream; several streams in a row are one, as gzip and xz have it."""

    def __init__(self, file: BinaryIO, method: str, budget: Budget) -> None:
        self._file = file
        self._method = method
        self._budget = budget
        self._streams = 0
        self._rest = b""
        self._begin()

    def read(self, count: int) -> bytes:
        """`count` bytes, fewer only at the end. Raises Unfit for damage and an empty budget."""
        pieces = []
        while count > 0 and (piece := self._some(min(count, CHUNK))):
            self._budget.expand(len(piece))
            pieces.append(piece)
            count -= len(piece)
        return b"".join(pieces)

    def _some(self, most: int) -> bytes:
        while True:
            if self._object.eof:
                self._rest = self._object.unused_data
                if self._method == "tar.xz":
                    self._rest = self._rest.lstrip(b"\x00")  # padding between streams
                self._rest = self._rest or self._file.read(CHUNK)
                if not self._rest:
                    return b""
                self._begin()
            try:
                data = self._rest
                if not data and self._object.needs_input:
                    data = self._file.read(CHUNK)
                self._rest = b""
                piece: bytes = self._object.decompress(data, most)
            except _ERRORS:
                raise malformed() from None
            if piece:
                return piece
            if not data and not self._object.eof:
                raise malformed()

    def _begin(self) -> None:
        self._streams += 1
        if self._streams > _MAX_STREAMS:
            raise malformed()
        self._object = decompressor(self._method)

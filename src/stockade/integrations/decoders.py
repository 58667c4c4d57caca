"""The content codings that can be undone here, each as a stream of bounded pieces.

gzip and deflate are the standard library's. `br` (RFC 7932) and `zstd` (RFC 8878) need the extra
`compression`, whose modules are imported when the first such body comes; without it both are as
unknown as any other coding.
"""

from __future__ import annotations

import functools
import sys
import zlib
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, NamedTuple, Protocol

__all__ = ["Decoder", "Format", "formats"]

_PIECE = 65_536
_ZSTD = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
# RFC 9659: a stream that asks its reader for more is not what this coding means by zstd.
_WINDOW_LOG = 23


class Decoder(Protocol):
    """One compressed stream, from its beginning."""

    ended: bool
    rest: bytes
    """What came after the end, of what was fed last."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What `data` adds, in pieces of about 64 KiB; raises the format's `fault`."""
        ...


class Format(NamedTuple):
    """One way to read a coding."""

    open: Callable[[], Decoder]
    fault: type[Exception]
    repeats: bool = False
    """Whether several streams in a row are one content."""
    asks_too_much: Callable[[bytes], bool] = lambda head: False
    """Whether a stream that begins so needs more memory than its coding admits."""


class _Deflate:
    def __init__(self, window: int) -> None:  # as zlib.decompressobj takes it, with the format
        self.ended, self.rest = False, b""
        self._object = zlib.decompressobj(window)

    def feed(self, data: bytes) -> Iterator[bytes]:
        engine = self._object
        full = True
        while (data or full) and not engine.eof:
            piece = engine.decompress(data, _PIECE)
            data, full = engine.unconsumed_tail, len(piece) == _PIECE
            yield piece
        self.ended, self.rest = engine.eof, engine.unused_data


class _Brotli:
    rest = b""  # what comes after the end is a fault, unless it is fed for itself

    def __init__(self, library: Any) -> None:
        self.ended = False
        self._object = library.Decompressor()

    def feed(self, data: bytes) -> Iterator[bytes]:
        engine = self._object
        # The limit is where its output stops to grow, in steps of 32 KiB and more: 1 is one step.
        piece = engine.process(data, output_buffer_limit=1)
        while piece or not engine.can_accept_more_data():
            yield piece
            piece = engine.process(b"", output_buffer_limit=1)
        self.ended = engine.is_finished()


class _Zstandard:
    def __init__(self, library: Any) -> None:
        self.ended, self.rest = False, b""
        limit = {library.DecompressionParameter.window_log_max: _WINDOW_LOG}
        self._object = library.ZstdDecompressor(options=limit)

    def feed(self, data: bytes) -> Iterator[bytes]:
        engine = self._object
        yield engine.decompress(data, _PIECE)
        while not engine.eof and not engine.needs_input:
            yield engine.decompress(b"", _PIECE)
        self.ended = engine.eof
        self.rest = engine.unused_data if engine.eof else b""


def _has_wide_window(library: Any, head: bytes) -> bool:
    """Whether a frame needs a window beyond RFC 9659's (its header: RFC 8878, 3.1.1.1)."""
    if not head.startswith(b"\x28\xb5\x2f\xfd"):
        return False
    try:
        size = library.get_frame_info(head).decompressed_size
    except library.ZstdError:
        return False
    is_single_segment = head[4] & 0x20  # then the window is the content, else a byte says it
    if is_single_segment:
        return bool(size > 1 << _WINDOW_LOG)
    return head[5] > (_WINDOW_LOG - 10) << 3


@functools.cache
def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        return None


def _brotli() -> tuple[Format, ...]:
    library = _library("brotli")
    # Older versions, and others of this name, inflate without a bound.
    if library is None or not hasattr(library.Decompressor, "can_accept_more_data"):
        return ()
    return (Format(functools.partial(_Brotli, library), library.error),)


def _zstandard() -> tuple[Format, ...]:
    library = _library(_ZSTD)
    if library is None:
        return ()
    return (
        Format(
            functools.partial(_Zstandard, library),
            library.ZstdError,
            repeats=True,
            asks_too_much=functools.partial(_has_wide_window, library),
        ),
    )


# Many readers go by the header and not by the coding's name: 47 is gzip or zlib, -15 neither.
_GZIP = (Format(functools.partial(_Deflate, 47), zlib.error, repeats=True),)
# RFC 9110, 8.4.1.2: zlib; some clients send it without its header.
_DEFLATE = tuple(Format(functools.partial(_Deflate, window), zlib.error) for window in (47, -15))


def formats(coding: str) -> tuple[Format, ...]:
    """The ways to read `coding`, in lower case: the usual one first, none where it is unknown."""
    if coding in ("gzip", "x-gzip"):
        return _GZIP
    if coding == "deflate":
        return _DEFLATE
    if coding == "br":
        return _brotli()
    return _zstandard() if coding == "zstd" else ()

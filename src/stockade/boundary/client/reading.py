"""Reading an answer: no more headers and bytes than allowed, and no bomb.

Counted are the bytes as they come and as they are once decoded, so that neither a small answer that
unpacks to gigabytes nor an endless one that unpacks to nothing gets far: decoding stops at the
limit. Only gzip is asked for and read, once; layers upon layers are work without a bound.

Sources: RFC 9110, 8.4; RFC 1952; ASVS 5.0 V5.2.3 (decompression), V15.2.2; CWE-409, CWE-770.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import partial

import httpx2

from stockade.boundary.client.limits import Limits
from stockade.core.errors import AnswerRejected

__all__ = ["Reading"]

_PIECE = 256 * 1024
_MAX_MEMBERS = 1_000

_new_member = partial(zlib.decompressobj, zlib.MAX_WBITS | 16)


class Reading:
    """One answer while it arrives. Every method raises AnswerRejected for one that is too much."""

    def __init__(
        self, status: int, headers: Sequence[tuple[bytes, bytes]], limits: Limits, method: str
    ) -> None:
        """Judges the head, before anything of the body is read."""
        self._limits = limits
        if (
            len(headers) > limits.max_headers
            or sum(len(name) + len(value) for name, value in headers) > limits.max_header_bytes
        ):
            raise AnswerRejected(
                "the answer's headers are too many or too long; if it is honest, raise "
                "Limits.max_headers or Limits.max_header_bytes",
                rule="client.headers",
            )
        self.status = status
        self.headers = httpx2.Headers(list(headers))
        self._came = 0
        self._pieces: list[bytes] = []
        self._size = 0
        self._members = 1
        self._gunzip = _new_member()
        self._zipped = False
        empty = method == "HEAD" or status in (204, 304)
        declared = self.headers.get("content-length", "")
        if not empty and declared.isdecimal() and int(declared[:19]) > limits.max_bytes:
            raise self._too_large()
        coding = self.headers.get("content-encoding", "identity").strip().lower()
        if coding in ("gzip", "x-gzip"):
            self._zipped = True
        elif coding not in ("identity", "") and not empty:
            raise AnswerRejected(
                "the answer is encoded in a way that was not asked for", rule="client.encoding"
            )

    def add(self, chunk: bytes) -> None:
        """Take what came next."""
        self._came += len(chunk)
        if self._came > self._limits.max_bytes:
            raise self._too_large()
        if not self._zipped:
            self._keep(chunk)
        elif chunk:
            self._unzip(chunk)

    def content(self) -> bytes:
        """The whole body, decoded, once all has come."""
        if self._zipped and self._came and not self._gunzip.eof:
            raise self._torn()
        return b"".join(self._pieces)

    def _unzip(self, chunk: bytes) -> None:
        try:
            while True:
                if self._gunzip.eof:  # another member follows (RFC 1952, 2.2)
                    self._next_member()
                piece = self._gunzip.decompress(chunk, _PIECE)
                self._keep(piece)
                chunk = self._gunzip.unused_data or self._gunzip.unconsumed_tail
                # A full piece may have left more inside, though all input is consumed.
                if not chunk and (self._gunzip.eof or len(piece) < _PIECE):
                    return
        except zlib.error:
            raise self._torn() from None

    def _next_member(self) -> None:
        self._members += 1
        if self._members > _MAX_MEMBERS:
            raise self._torn()
        self._gunzip = _new_member()

    def _keep(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._limits.max_bytes:
            raise self._too_large()
        if piece:
            self._pieces.append(piece)

    def _too_large(self) -> AnswerRejected:
        return AnswerRejected(
            "the answer is larger than this client takes; if it is honest, raise Limits.max_bytes",
            rule="client.size",
        )

    def _torn(self) -> AnswerRejected:
        return AnswerRejected("the answer's gzip is damaged or cut short", rule="client.encoding")

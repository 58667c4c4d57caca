"""`wsgi.input`, counted, kept for the firewall and checked while the application reads it."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stockade.integrations.exchange import Exchange

__all__ = ["Body"]


class Body:
    """The server's input stream (PEP 3333), read forward only, once.

    Enough of a raw stream for `io.BufferedReader`. What the server's own stream could do beyond
    that (seek, its descriptor) is not passed on: whatever is read there would not be seen.
    """

    __slots__ = ("_checked", "_exchange", "_length", "_stream")

    closed = False

    def __init__(self, stream: Any, exchange: Exchange, length: int) -> None:
        """`length` is the declared one, or -1."""
        self._stream = stream
        # Weak: environment -> body -> exchange -> environment would be left to the collector.
        self._exchange = weakref.ref(exchange)
        self._length = length
        self._checked = False

    def _took(self, data: bytes, *, at_end: bool) -> bytes:
        exchange = self._exchange()
        if exchange is None:  # nobody works for this request any more
            return data
        if data:
            exchange.take(data)
        if (at_end or exchange.received == self._length) and not self._checked:
            self._checked = True
            exchange.check_body()
        return data

    def read(self, *size: int | None) -> bytes:
        """As the server's; raises Rejected for a body that is too large, or refused at its end."""
        data: bytes = self._stream.read(*size)
        wanted = size[0] if size else None
        at_end = wanted is None or wanted < 0 or (not data and wanted > 0)
        return self._took(data, at_end=at_end)

    def readline(self, *size: int | None) -> bytes:
        """As the server's; raises Rejected."""
        data: bytes = self._stream.readline(*size)
        return self._took(data, at_end=not data and (not size or size[0] != 0))

    def readlines(self, *hint: int | None) -> list[bytes]:
        """As the server's; raises Rejected."""
        lines: list[bytes] = self._stream.readlines(*hint)
        self._took(b"".join(lines), at_end=not lines or not hint or not hint[0])
        return lines

    def readinto(self, buffer: Any) -> int:
        """For readers that bring their own memory; raises Rejected."""
        room = memoryview(buffer).cast("B")
        data = self.read(len(room))
        room[: len(data)] = data
        return len(data)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")

    def readable(self) -> bool:
        """Yes."""
        return True

    def writable(self) -> bool:
        """No."""
        return False

    def seekable(self) -> bool:
        """No: what is read twice would be counted twice."""
        return False

    def flush(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """The stream is the server's to close."""

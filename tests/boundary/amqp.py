"""As much of AMQP 0-9-1 as the tests of consumers need: declare, publish, get, ack, nack."""

from __future__ import annotations

import socket
import struct
from types import TracebackType
from typing import Self

_METHOD, _HEADER, _BODY, _END = 1, 2, 3, b"\xce"


class Channel:
    """One connection to a broker on loopback, its first channel open."""

    def __init__(self, port: int = 5672) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._file = self._socket.makefile("rb")
        self._socket.sendall(b"AMQP\0\0\x09\x01")
        self._take(10, 10)
        plain = struct.pack(">I", 0) + _short("PLAIN") + _long(b"\0guest\0guest") + _short("en_US")
        self._call(0, 10, 11, plain)
        tuned = self._take(10, 30)
        self._call(0, 10, 31, tuned)
        self._call(0, 10, 40, _short("/") + b"\0\0")
        self._take(10, 41)
        self._call(1, 20, 10, b"\0")
        self._take(20, 11)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._file.close()
        self._socket.close()

    def declare(self, queue: str, *, dead_letters: str = "") -> None:
        """Make a queue that goes with this connection; refused messages move to `dead_letters`."""
        table = b""
        for name, value in (
            ("x-dead-letter-exchange", ""),
            ("x-dead-letter-routing-key", dead_letters),
        ):
            if dead_letters:
                table += _short(name) + b"S" + _long(value.encode())
        exclusive = b"\x0c"  # exclusive and auto-delete
        self._call(1, 50, 10, b"\0\0" + _short(queue) + exclusive + _long(table))
        self._take(50, 11)

    def publish(self, queue: str, body: bytes) -> None:
        """Send a message to a queue by the default exchange."""
        self._call(1, 60, 40, b"\0\0" + _short("") + _short(queue) + b"\0")
        self._frame(_HEADER, 1, struct.pack(">HHQH", 60, 0, len(body), 0))
        self._frame(_BODY, 1, body)

    def get(self, queue: str) -> tuple[int, bytes] | None:
        """The next message's delivery tag and body; None where there is none."""
        self._call(1, 60, 70, b"\0\0" + _short(queue) + b"\0")
        _, payload = self._read()
        if payload[:4] == struct.pack(">HH", 60, 72):
            return None
        assert payload[:4] == struct.pack(">HH", 60, 71), payload
        [tag] = struct.unpack(">Q", payload[4:12])
        _, header = self._read()
        [size] = struct.unpack(">Q", header[4:12])
        body = b""
        while len(body) < size:
            body += self._read()[1]
        return tag, body

    def ack(self, tag: int) -> None:
        """The message is done with."""
        self._call(1, 60, 80, struct.pack(">QB", tag, 0))

    def nack(self, tag: int) -> None:
        """The message is refused and not to come again."""
        self._call(1, 60, 120, struct.pack(">QB", tag, 0))

    def _call(self, channel: int, kind: int, method: int, arguments: bytes) -> None:
        self._frame(_METHOD, channel, struct.pack(">HH", kind, method) + arguments)

    def _frame(self, kind: int, channel: int, payload: bytes) -> None:
        self._socket.sendall(struct.pack(">BHI", kind, channel, len(payload)) + payload + _END)

    def _read(self) -> tuple[int, bytes]:
        kind, _, size = struct.unpack(">BHI", self._file.read(7))
        payload = self._file.read(size)
        assert self._file.read(1) == _END
        return kind, payload

    def _take(self, kind: int, method: int) -> bytes:
        """The arguments of the method that has to come now."""
        _, payload = self._read()
        assert payload[:4] == struct.pack(">HH", kind, method), payload
        return payload[4:]


def _short(text: str) -> bytes:
    return bytes([len(text)]) + text.encode()


def _long(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data

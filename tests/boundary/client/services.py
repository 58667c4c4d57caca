"""Other people's services, honest and hostile, on loopback: what they were sent is the evidence."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import BinaryIO, TypeAlias

GOOD, VICTIM = "127.0.0.2", "127.0.0.1"
"""All of 127.0.0.0/8 is this host, so that a policy can allow one address and not the other."""


@dataclass
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int


Handler: TypeAlias = "Callable[[Seen], bytes | Iterable[bytes]]"


def reply(body: bytes = b"", status: int = 200, **headers: str) -> bytes:
    """An answer with its length; `content_type="…"` is `Content-Type: …`."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass
class Service:
    """A server on a thread; `seen` is what it was sent. Bytes are written just as given."""

    handler: Handler
    address: str = GOOD
    port: int = 0
    tls: ssl.SSLContext | None = None
    seen: list[Seen] = field(default_factory=list)
    sent: int = 0

    def __enter__(self) -> Service:
        self._listener = socket.create_server((self.address, self.port))
        self.port = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._spawn(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in list(self._threads):
            thread.join(10)

    def url(self, path: str = "/", *, host: str = "") -> str:
        scheme = "https" if self.tls else "http"
        return f"{scheme}://{host or self.address}:{self.port}{path}"

    def _spawn(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        number = 0
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            number += 1
            self._spawn(self._serve, connection, number)

    def _serve(self, connection: socket.socket, number: int) -> None:
        try:
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            self._open.add(connection)
            with connection, connection.makefile("rb") as stream:
                while (line := stream.readline()) not in (b"", b"\r\n"):
                    self._answer(connection, stream, line.decode(), number)
        except (OSError, ValueError):
            connection.close()
        finally:
            self._open.discard(connection)

    def _answer(self, connection: socket.socket, stream: BinaryIO, line: str, number: int) -> None:
        method, path, _ = line.split()
        headers = {}
        while (header := stream.readline().decode("latin-1").strip()) != "":
            name, _, value = header.partition(":")
            headers[name.lower()] = value.strip()
        body = stream.read(int(headers.get("content-length", 0)))
        request = Seen(method, path, headers, body, number)
        self.seen.append(request)
        answer = self.handler(request)
        for piece in [answer] if isinstance(answer, bytes) else answer:
            connection.sendall(piece)
            self.sent += len(piece)

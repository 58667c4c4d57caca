"""A small HTTP server beside the service: one thread, three paths, nothing of the application's.

http.server and not wsgiref, which `stockade run` guards as if it served the application. Whoever
connects gets five seconds and one of sixteen places, so that nobody can hold it up for long.
"""

from __future__ import annotations

import os
import socket
import socketserver
import threading
import weakref
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple

from stockade.core import context
from stockade.core.errors import ConfigError

__all__ = ["Answer", "Endpoint", "Page", "parse_address"]

_PLACES = 16
_SECONDS = 5.0


class Answer(NamedTuple):
    """What a page says."""

    status: int
    content_type: str
    body: bytes


Page = Callable[[str], Answer]
"""Called with the request's `Accept` header."""


def parse_address(address: str, setting: str) -> tuple[str, int]:
    """Host and port of `host:port`. Raises ConfigError."""
    host, _, port = address.rpartition(":")
    if not host or not port.isascii() or not port.isdecimal() or int(port) > 65_535:
        raise ConfigError(
            f"{setting} is {address!r}, not host:port; write for example '127.0.0.1:9464'"
        )
    return host.strip("[]"), int(port)


class Endpoint:
    """A listening server; `port` is the one it listens on."""

    def __init__(self, host: str, port: int, pages: Mapping[str, Page]) -> None:
        """Listens at once. Raises OSError where the address is unknown or taken."""
        family, _, _, _, where = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        handler = type("_Handler", (_Handler,), {"pages": pages})
        self._server = _Server(family, (str(where[0]), port), handler)
        self.port: int = self._server.socket.getsockname()[1]
        self._pid = os.getpid()
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="stockade-endpoint", daemon=True
        )
        context.start_outside_request(self._thread)
        itself: weakref.ref[Endpoint] = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: _let_go(itself))

    @property
    def mine(self) -> bool:
        """Whether this process listens, and not the parent that it was forked from."""
        return self._pid == os.getpid()

    def close(self) -> None:
        """Stop listening."""
        if self.mine:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()


def _let_go(itself: weakref.ref[Endpoint]) -> None:
    # A child's copy would keep the port taken after its parent's end, and answer nobody.
    here = itself()
    if here is not None:
        here._server.socket.close()


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, family: socket.AddressFamily, where: tuple[str, int], handler: Any) -> None:
        self.address_family = family
        self._places = threading.BoundedSemaphore(_PLACES)
        super().__init__(where, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are no concern of ours; what a page raises is answered there."""


class _Handler(BaseHTTPRequestHandler):
    pages: Mapping[str, Page]
    timeout = _SECONDS

    def do_GET(self) -> None:
        page = self.pages.get(self.path.partition("?")[0])
        if page is None:
            answer = Answer(404, "text/plain; charset=utf-8", b"not found\n")
        else:
            try:
                answer = page(self.headers.get("Accept", ""))
            except Exception as error:
                # A wrong number is worse than none: the one who scrapes sees that it has none.
                text = f"cannot be read now ({type(error).__name__})\n"
                answer = Answer(503, "text/plain; charset=utf-8", text.encode())
        self.send_response_only(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    do_HEAD = do_GET  # noqa: N815  the names are http.server's

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  its name as well
        """A scrape each few seconds is no news."""

"""What HTTP/2 and HTTP/3 must not carry (RFC 9113, 8.2; RFC 9114, 4.2 and 10.3).

Their fields have no line ends: a CR or LF in one is a byte like any other, until somebody hands the
request on as HTTP/1.1 and it begins a new field, or a new request (CVE-2025-57804). `Connection`,
`Transfer-Encoding` and their kind mean nothing there and something to whoever is next. A body is as
long as its frames: a Content-Length that says otherwise is a lie that HTTP/1.1 would believe.

Servers should refuse all of this, and not all do. Requests over HTTP/1 are not looked at here:
their server has found where a field ends, or there would be none.
"""

from __future__ import annotations

from collections.abc import Awaitable

from stockade.core.errors import Rejected
from stockade.integrations.asgi_exchange import AsgiExchange, Message
from stockade.integrations.gate import LENGTH, Breach

__all__ = ["Http2Exchange", "malformed"]

_SPECIFIC = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade")
)
"""Fields that speak of one connection of HTTP/1 (RFC 9113, 8.2.2)."""

BREAK = Breach(
    "request.http2-break",
    "request_refused",
    Rejected("A header field holds a line break.", status=400, kind="http2"),
)
CONNECTION = Breach(
    "request.http2-connection",
    "request_refused",
    Rejected("A header field of HTTP/1 came over HTTP/2 or HTTP/3.", status=400, kind="http2"),
)


def malformed(headers: list[tuple[bytes, bytes]]) -> Breach | None:
    """Why a request that came over HTTP/2 or HTTP/3 is none."""
    for name, value in headers:
        for text in (name, value):
            if b"\r" in text or b"\n" in text or b"\0" in text:
                return BREAK
        if name in _SPECIFIC or (name == b"te" and value.lower() != b"trailers"):
            return CONNECTION
    return None


class Http2Exchange(AsgiExchange):
    """One request over HTTP/2 or HTTP/3 and its answer."""

    __slots__ = ()

    def check_body(self) -> None:
        """As for HTTP/1; the frames, too, have to hold as much as was declared."""
        declared = self.fields.get(b"content-length", b"")
        if declared.isdigit() and int(declared) != self.received:
            self.stop(LENGTH)
        super().check_body()

    def send(self, message: Message) -> Awaitable[None]:
        """As for HTTP/1, but for fields that the application meant for a connection of HTTP/1."""
        if message["type"] == "http.response.start":
            headers = message.get("headers", ())
            if any(name.lower() in _SPECIFIC for name, _ in headers):
                message["headers"] = [each for each in headers if each[0].lower() not in _SPECIFIC]
        return super().send(message)

"""Nothing over http: pages move to https, programs are told (ASVS 5.0 V4.1.2, V4.4.1).

A redirect mends a person's mistake: the browser follows it, and Strict-Transport-Security spares it
the next time. It hides a program's: whoever calls `http://` by mistake sends its token in the clear
with every call, is answered all the same, and nobody notices. So only what a browser asks for to
show (`Upgrade-Insecure-Requests`, which it sends of its own accord with every page that it opens)
is redirected; everything else is refused, with an event.

A WebSocket over `ws:` is refused too: it cannot be redirected.

Which of the two it is, the server says. Behind a proxy that ends TLS, let the server believe that
proxy (uvicorn's `--forwarded-allow-ips`, gunicorn's `forwarded_allow_ips`), or every request is one
over http; what the application's own middleware makes of X-Forwarded-Proto comes too late.
"""

from __future__ import annotations

import re

from stockade.core.errors import Rejected
from stockade.core.head import Head, Refusal, Reply

__all__ = ["Transport"]

OVER_HTTP = Refusal(
    "gate.https",
    "request_refused",
    Rejected(
        "This service is reached over https alone. What was sent over http could be read on the "
        "way: replace the passwords and tokens that were in it.",
        status=403,
        kind="https",
    ),
)
_HOST = re.compile(r"([A-Za-z0-9.-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?\Z")
_PLAIN = ("http", "ws")


class Transport:
    """The rule of one application."""

    def __init__(self, *, active: bool, redirects: bool) -> None:
        """`redirects`: pages are moved; where that is not wanted yet, they are refused as well."""
        self.active = active
        self._redirects = redirects

    def enter(self, request: Head) -> Refusal | Reply | None:
        """Why a request is not served over http, or where it is served."""
        if not self.active or request.scheme not in _PLAIN:
            return None
        return (self._moved(request) if self._redirects else None) or OVER_HTTP

    def connects(self, request: Head) -> Refusal | None:
        """Why a WebSocket may not be opened over http."""
        return OVER_HTTP if self.active and request.scheme in _PLAIN else None

    def _moved(self, request: Head) -> Reply | None:
        shown = request.field("upgrade-insecure-requests") == ["1"]
        hosts, target = request.field("host"), request.target
        host = _HOST.match(hosts[0]) if len(hosts) == 1 else None
        if not shown or request.method not in ("GET", "HEAD") or host is None:
            return None
        if not target.startswith("/") or not target.isascii() or not target.isprintable():
            return None
        location = f"https://{host[1]}{target}".encode()
        return Reply(308, [(b"location", location), (b"content-length", b"0")])

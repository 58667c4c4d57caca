"""`/livez` and `/readyz` on the service itself, in front of everything: ASGI and WSGI.

Whoever asks learns `ok` or `unavailable`. Which defence is down, and why, only a caller on this
very machine learns that no proxy speaks for: whose peer address and Host are loopback's, and whose
request carries no field of a proxy. No probe is counted, limited or logged as a request.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast

from stockade.core.config import Settings
from stockade.core.health import health
from stockade.core.network import is_loopback
from stockade.integrations.asgi_exchange import App, Receive, Scope, Send
from stockade.integrations.wsgi_request import Environ

__all__ = ["AsgiHealth", "WsgiHealth", "asgi", "wsgi"]

A = TypeVar("A", bound=Callable[..., Any])
WsgiApp = Callable[[Environ, Any], Iterable[bytes]]

_OF_PROXIES = (b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip", b"via")


def asgi(app: A, settings: Settings) -> A:
    """`app`, an ASGI application, with the pages in front of it where `watch.health` is a path."""
    where = settings.watch.health
    return cast("A", AsgiHealth(app, where.rstrip("/"))) if where.startswith("/") else app


def wsgi(app: A, settings: Settings) -> A:
    """The same for WSGI."""
    where = settings.watch.health
    return cast("A", WsgiHealth(app, where.rstrip("/"))) if where.startswith("/") else app


class AsgiHealth:
    """An ASGI application in front of `app`."""

    def __init__(self, app: App, prefix: str) -> None:
        self.app = app
        self.stockade: object = getattr(app, "stockade", None)
        self._paths = _paths(prefix)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a probe, or serve."""
        if (
            scope["type"] == "http"
            and scope["path"] in self._paths
            and scope["method"] in ("GET", "HEAD")
        ):
            await self._answer(scope, send)
        else:
            await self.app(scope, receive, send)

    async def _answer(self, scope: Scope, send: Send) -> None:
        fields = {name.lower(): value for name, value in scope["headers"]}
        peer = scope.get("client")
        near = _is_near(
            peer[0] if peer else "",
            fields.get(b"host", b"").decode("latin-1"),
            any(name in fields for name in _OF_PROXIES),
        )
        status, headers, body = _document(self._paths[scope["path"]], near)
        start = {
            "type": "http.response.start",
            "status": status,
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
        }
        await send(start)
        body = b"" if scope["method"] == "HEAD" else body
        await send({"type": "http.response.body", "body": body})


class WsgiHealth:
    """The same for WSGI."""

    def __init__(self, app: WsgiApp, prefix: str) -> None:
        self.app = app
        self.stockade: object = getattr(app, "stockade", None)
        self._paths = _paths(prefix)

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answer a probe, or serve."""
        path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        if path not in self._paths or environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return self.app(environ, start_response)
        forwarded = any(
            "HTTP_" + name.decode().upper().replace("-", "_") in environ for name in _OF_PROXIES
        )
        near = _is_near(environ.get("REMOTE_ADDR") or "", environ.get("HTTP_HOST", ""), forwarded)
        status, headers, body = _document(self._paths[path], near)
        start_response(f"{status} {'OK' if status == 200 else 'Service Unavailable'}", headers)
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]


def _paths(prefix: str) -> dict[str, str]:
    return {f"{prefix}/livez": "alive", f"{prefix}/readyz": "ready"}


def _is_near(peer: str, host: str, forwarded: bool) -> bool:
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    return is_loopback(peer) and is_loopback(name.strip("[]")) and not forwarded


def _document(asked: str, near: bool) -> tuple[int, list[tuple[str, str]], bytes]:
    fine = health.alive if asked == "alive" else health.ready
    document: dict[str, object] = {"status": "ok" if fine else "unavailable"}
    if near and asked == "ready":
        document["defences"] = {
            one.defence: {
                "state": one.state.value,
                "since": one.since.isoformat(),
                "reason": one.reason,
                "required": one.required,
            }
            for one in health.report()
        }
    body = json.dumps(document).encode() + b"\n"
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    return (200 if fine else 503), headers, body

"""The path at which browsers report violations, in front of the application: ASGI and WSGI."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from stockade.core.bus import emit
from stockade.core.errors import Rejected
from stockade.core.events import Outcome
from stockade.core.head import Door
from stockade.integrations.asgi_exchange import App, Receive, Scope, Send
from stockade.integrations.wsgi_request import Environ

__all__ = ["Reports", "WsgiReports"]

MAX_BYTES = 65_536


class Reports:
    """An ASGI application that takes reports at one path and hands on everything else."""

    def __init__(self, app: App, door: Door) -> None:
        self._app, self._door = app, door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a report, or serve."""
        if not (
            scope["type"] == "http"
            and scope["method"] == "POST"
            and scope["path"] == self._door.report_path
        ):
            await self._app(scope, receive, send)
            return
        fields = dict(scope["headers"])
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > MAX_BYTES:
                raise _too_large()
        self._door.report(fields.get(b"content-type", b"").decode("latin-1"), body)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def _too_large() -> Rejected:
    detail = "The report is too large."
    emit("request_refused", Outcome.BLOCKED, "boundary", detail, rule="gate.csp")
    return Rejected(detail, status=413, kind="body-size", rule="gate.csp")


class WsgiReports:
    """The same for WSGI."""

    def __init__(self, app: Callable[..., Iterable[bytes]], door: Door) -> None:
        self._app, self._door = app, door

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Take a report, or serve."""
        path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        if environ["REQUEST_METHOD"] != "POST" or path != self._door.report_path:
            return self._app(environ, start_response)
        body = environ["wsgi.input"].read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise _too_large()
        self._door.report(environ.get("CONTENT_TYPE", ""), body)
        start_response("204 No Content", [])
        return []

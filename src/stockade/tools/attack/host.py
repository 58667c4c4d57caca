"""Serves the attacked application on loopback, whichever interface it speaks.

    python -m stockade.tools.attack.host MODULE:APP --host 127.0.0.1 --port 8000

ASGI by uvicorn; WSGI by the standard library's server with a thread for each connection, which is
always there and, unlike most, passes on what an attacker sends. Both are servers that
`stockade run` guards like any other.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from functools import reduce
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from stockade.integrations.interface import interface_of

__all__ = ["load", "main"]

_GRACE = 2


class _Server(ThreadingMixIn, WSGIServer):
    """`wsgiref` with threads."""

    daemon_threads = True
    request_queue_size = 64


class _Handler(WSGIRequestHandler):
    """Without a line on standard error for each request."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        """Nothing."""


def load(target: str) -> Callable[..., Any]:
    """The callable that MODULE:APP names; `app` where no name is given.

    Errors: ImportError and AttributeError as Python raises them; TypeError for what is no callable.
    """
    module, _, name = target.partition(":")
    found = reduce(getattr, (name or "app").split("."), importlib.import_module(module))
    if not callable(found):
        raise TypeError(f"{target} is no application: it cannot be called")
    return found


def _serve_wsgi(app: Callable[..., Any], host: str, port: int) -> None:
    with _Server((host, port), _Handler) as server:
        server.set_app(app)
        server.serve_forever(poll_interval=_GRACE)


def _serve_asgi(app: Callable[..., Any], host: str, port: int) -> None:
    import uvicorn

    uvicorn.run(
        app,
        host=host,
        port=port,
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=_GRACE,
    )


def main(arguments: Sequence[str]) -> None:
    """Serve until a signal ends the process; `arguments` as in the module's first lines."""
    target, _, host, _, port = arguments
    app = load(target)
    serve = _serve_asgi if interface_of(app) == "asgi" else _serve_wsgi
    serve(app, host, int(port))


if __name__ == "__main__":
    main(sys.argv[1:])

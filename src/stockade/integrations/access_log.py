"""The server's own access log, switched off where the log has one event for each request.

It says the same a second time, and worse: with the raw path and query, whatever secrets stand there
(CWE-532), at a multiple of the cost. What a server says of itself, its start and its errors, stays.

Not seen by us, and so in no log: what the server refuses itself (a malformed request), and what a
layer outside the guarded application answers.
"""

from __future__ import annotations

import functools
import logging
import sys
from collections.abc import Callable
from typing import Any

import wrapt

from stockade.core.bus import emit, say
from stockade.core.events import Outcome

__all__ = ["replace", "restore", "tell_nobody"]

_LOGGERS = ("uvicorn.access", "gunicorn.access", "hypercorn.access", "granian.access")
_UVICORN = "uvicorn.error"
_HANDSHAKES = (
    '%s - "WebSocket %s" [accepted]',
    '%s - "WebSocket %s" 403',
    '%s - "WebSocket %s" %d',
)
"""What uvicorn says of WebSockets, raw path and query included, in its log of errors."""

_active = False
_hooked = False
_told: set[str] = set()
_quiet = False
_handlers: list[logging.Handler] = []


def replace() -> None:
    """Switch the access logs of this process's servers off; one line and one event say so."""
    global _active
    if _active:
        return
    _active = True
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_drop)
    logging.getLogger(_UVICORN).addFilter(_drop_handshakes)
    if "uvicorn.server" in sys.modules:
        _unhandle()
        _tell("uvicorn")
    _hook()


def restore() -> None:
    """Let servers write their access logs again."""
    global _active
    _active = False
    for name in _LOGGERS:
        logging.getLogger(name).removeFilter(_drop)
    logging.getLogger(_UVICORN).removeFilter(_drop_handshakes)
    access = logging.getLogger("uvicorn.access")
    access.handlers[:0] = [one for one in _handlers if one not in access.handlers]
    _handlers.clear()


def tell_nobody() -> None:
    """Leave the line to somebody else, who says it once for all workers."""
    global _quiet
    _quiet = True


def _drop(record: logging.LogRecord) -> bool:
    _tell(record.name.partition(".")[0])
    return False


def _drop_handshakes(record: logging.LogRecord) -> bool:
    return record.msg not in _HANDSHAKES


def _unhandle() -> None:
    """Without a handler uvicorn does not even make the text of a line."""
    access = logging.getLogger("uvicorn.access")
    _handlers.extend(access.handlers)
    access.handlers = []
    access.propagate = False


def _tell(server: str) -> None:
    if server in _told:
        return
    _told.add(server)
    if not _quiet:
        say(
            f"{server}'s own access log is off: the log has one http_request event for each "
            'request, without raw paths (watch.access_log = "keep" keeps both)'
        )
    emit(
        "access_log_replaced",
        Outcome.ALLOWED,
        "integrations",
        "The server's own access log is off, for this log has one event for each request.",
        server=server,
    )


def _hook() -> None:
    """Once a process: a hook on an import cannot be taken back, so each asks whether it applies."""
    global _hooked
    if _hooked:
        return
    _hooked = True
    hooks: dict[str, Callable[[Any], None]] = {
        "uvicorn.config": _uvicorn,
        "gunicorn.glogging": _gunicorn,
        "werkzeug.serving": functools.partial(_development_server, "werkzeug"),
        "wsgiref.simple_server": functools.partial(_development_server, "wsgiref"),
    }
    for module, install in hooks.items():
        wrapt.register_post_import_hook(install, module)


def _uvicorn(module: Any) -> None:
    """`uvicorn.run(app)` after the application has protected itself."""
    configure: Callable[[Any], None] = module.Config.configure_logging

    @functools.wraps(configure)
    def configure_logging(config: Any) -> None:
        if _active:
            config.access_log = False
            _tell("uvicorn")
        configure(config)

    module.Config.configure_logging = configure_logging


def _gunicorn(module: Any) -> None:
    """Before the line is made: that costs more than writing it."""
    access: Callable[..., None] = module.Logger.access

    @functools.wraps(access)
    def access_unless_replaced(logger: Any, *args: Any) -> None:
        if not _active:
            access(logger, *args)
        elif "gunicorn" not in _told and logger.access_log_enabled:
            _tell("gunicorn")

    module.Logger.access = access_unless_replaced


def _development_server(server: str, module: Any) -> None:
    """Werkzeug's, and the standard library's, from which Django's is derived."""
    log_request: Callable[..., None] = module.WSGIRequestHandler.log_request

    @functools.wraps(log_request)
    def log_unless_replaced(handler: Any, *args: Any, **kwargs: Any) -> None:
        if not _active:
            log_request(handler, *args, **kwargs)
        else:
            _tell(server)

    module.WSGIRequestHandler.log_request = log_unless_replaced

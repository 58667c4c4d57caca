"""structlog: its events in Stockade's stream, or its lines as Stockade writes them.

    structlog.configure(processors=[structlog.contextvars.merge_contextvars, ToStream()])

`ToStream` ends the chain and puts the event into the stream, where `watch.log`, metrics and exports
get it: one file, one redaction. `LineRenderer` ends a chain that writes by itself, with the same
line. `add_request` is for chains that end otherwise: it binds the ids of the current request.

Needs the extra `structlog`; nothing of Stockade's imports it by itself.
"""

from __future__ import annotations

import sys
import time
from collections.abc import MutableMapping
from typing import Any, NoReturn

from stockade.core import context
from stockade.core.bus import bus
from stockade.core.errors import ConfigError
from stockade.core.logged import Level, Logged
from stockade.core.ports import LiveSecrets
from stockade.watch import records
from stockade.watch.lines import LineEncoder
from stockade.watch.plain_values import Room

try:
    from structlog import DropEvent
except ImportError:
    raise ConfigError(
        "stockade.watch.structlog_processors needs structlog, which is not installed: "
        "pip install 'stockade[structlog]'"
    ) from None

__all__ = ["LineRenderer", "ToStream", "add_request"]

EventDict = MutableMapping[str, Any]

_LEVELS: dict[str, Level] = {
    "debug": "debug",
    "info": "info",
    "warn": "warning",
    "warning": "warning",
    "error": "error",
    "err": "error",
    "exception": "error",
    "critical": "critical",
    "fatal": "critical",
}
_TAKEN = frozenset(("event", "level", "logger", "logger_name", "timestamp", "exc_info"))
"""Keys of structlog's own that have a place in the line."""


def add_request(logger: Any, method: str, event_dict: EventDict) -> EventDict:
    """Bind `request_id`, `trace_id` and `route` of the current request; ours go before others."""
    request = context.current()
    if request is not None:
        event_dict["request_id"] = request.id
        event_dict["trace_id"] = request.trace_id
        event_dict["route"] = request.resource
    return event_dict


class ToStream:
    """The end of a chain: into the stream of events."""

    def __call__(self, logger: Any, method: str, event_dict: EventDict) -> NoReturn:
        """Queue the line; structlog then has nothing left to write."""
        bus.log(_line(method, event_dict))
        raise DropEvent


class LineRenderer:
    """The end of a chain: the line itself, for whoever writes it."""

    def __init__(self, secrets: LiveSecrets | None = None) -> None:
        """`secrets`, such as `stockade.secrets.live`, are masked."""
        self._encode = LineEncoder(secrets)

    def __call__(self, logger: Any, method: str, event_dict: EventDict) -> str:
        """The line without its newline."""
        return self._encode([_line(method, event_dict).event()]).decode().rstrip("\n")


def _line(method: str, event_dict: EventDict) -> Logged:
    try:
        return _read(method, event_dict)
    except Exception as error:  # whatever an application's objects do, its log call goes on
        return records.unreadable(error)


def _read(method: str, event_dict: EventDict) -> Logged:
    room = Room()
    given = event_dict.get("level", method)
    level = _LEVELS.get(given.lower() if isinstance(given, str) else "", "info")
    site = room.name(_site())
    details: dict[str, Any] = {
        "message": room.text(event_dict.get("event", "")),
        "logger": room.name(event_dict.get("logger", event_dict.get("logger_name", ""))),
        "site": site,
    }
    error = _error(event_dict.get("exc_info"))
    if error is not None:
        details["exception"] = records.exception(error, room)
    fields = {key: value for key, value in event_dict.items() if key not in _TAKEN}
    if fields:
        details["fields"] = room.mapping(fields)
    return Logged(time.time(), level, site, *records.request_fields(), details)


def _error(exc_info: Any) -> BaseException | None:
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple) and len(exc_info) == 3:
        error = exc_info[1]
        return error if isinstance(error, BaseException) else None
    return sys.exception() if exc_info else None


def _site() -> str:
    """The line of code that logged: the first frame outside structlog and this module."""
    frame = sys._getframe(1)
    while frame.f_back is not None:
        module = frame.f_globals.get("__name__", "?")
        if module != __name__ and not str(module).startswith(("structlog.", "logging.")):
            return f"{module}:{frame.f_code.co_qualname}:{frame.f_lineno}"
        frame = frame.f_back
    return "?"

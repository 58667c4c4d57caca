"""Records of the `logging` module as lines of the stream.

Message, arguments, extra fields and the messages of exceptions are the application's text, and may
be anybody's: all of it stands in `details`, bounded, where no key of it is a field of the stream's
own. Of an exception's stack there are the lines of code, never the values of variables.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from stockade.core import code_site, context
from stockade.core.bus import say
from stockade.core.logged import Level, Logged
from stockade.core.tally import tally
from stockade.watch.plain_values import Room, text_of

__all__ = ["exception", "extra_fields", "level", "line", "message", "request_fields", "unreadable"]

_OWN = frozenset(logging.makeLogRecord({}).__dict__) | {
    "asctime",
    "color_message",  # uvicorn's: the message once more, with escape sequences
    "message",
    "taskName",
}
"""Attributes that are no extra fields."""
_MOST_CAUSES = 4
_MOST_EXCEPTION = 2_048


def line(record: logging.LogRecord, said: tuple[str, str]) -> Logged:
    """The line for `record`, about the current request if there is one; `message` said `said`."""
    room = Room()
    text, failure = said
    site = room.name(f"{record.module}:{record.funcName}:{record.lineno}")
    details: dict[str, Any] = {
        "message": room.text(text),
        "logger": room.name(record.name),
        "site": site,
    }
    kind = level(record.levelno)
    if record.levelname != kind.upper():
        details["level"] = room.name(record.levelname)
    if record.threadName not in (None, "MainThread"):
        details["thread"] = room.name(record.threadName)
    if failure:
        details["unformatted"] = failure
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        details["exception"] = exception(error, room)
    elif record.exc_text:
        details["exception"] = {"text": room.text(record.exc_text)}
    if record.stack_info:
        details["stack"] = room.text(record.stack_info)
    fields = extra_fields(record)
    if isinstance(record.msg, dict) and not record.args:
        fields = {key: value for key, value in record.msg.items() if key != "event"} | fields
    if fields:
        details["fields"] = room.mapping(fields)
    return Logged(record.created, kind, site, *request_fields(), details)


def message(record: logging.LogRecord) -> tuple[str, str]:
    """What the record says; and, where its arguments do not fit, the error that this raised."""
    if isinstance(record.msg, dict) and not record.args and "event" in record.msg:
        return text_of(record.msg["event"]), ""  # structlog's, on the way to its own formatter
    try:
        return record.getMessage(), ""
    except Exception as error:
        return text_of(record.msg), type(error).__name__


def level(number: int) -> Level:
    """The level of the standard library at or below `number`."""
    if number >= logging.CRITICAL:
        return "critical"
    if number >= logging.ERROR:
        return "error"
    if number >= logging.WARNING:
        return "warning"
    return "info" if number >= logging.INFO else "debug"


def extra_fields(record: logging.LogRecord) -> dict[str, Any]:
    """The fields that the application added to the record."""
    own = record.__dict__
    return {key: own[key] for key in list(own) if key not in _OWN}


def exception(error: BaseException, room: Room) -> dict[str, Any]:
    """Type, message and lines of code of `error`, and of what it came from."""
    told: dict[str, Any] = {}
    place = told
    seen: set[int] = set()
    for _ in range(_MOST_CAUSES):
        seen.add(id(error))
        place["type"] = room.name(code_site.kind(type(error)))
        place["message"] = room.text(text_of(error), _MOST_EXCEPTION)
        place["stack"] = [room.name(site) for site in code_site.trace(error)]
        if isinstance(error, BaseExceptionGroup):
            place["exceptions"] = [
                room.name(code_site.kind(type(one))) for one in error.exceptions[:_MOST_CAUSES]
            ]
        cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if cause is None or id(cause) in seen:
            break
        error = cause
        place["cause"] = place = {}
    return told


def request_fields() -> tuple[str, str, str, str, str]:
    """Resource, request id, trace id, client and principal of the current request."""
    request = context.current()
    if request is None:
        return "", "", "", "", ""
    return request.resource, request.id, request.trace_id, request.client, request.principal


def unreadable(error: Exception) -> Logged:
    """In the place of what could not be read; also in the metrics and on standard error."""
    kind = type(error).__name__
    tally.lines_dropped["unreadable"] += 1
    count = tally.lines_dropped["unreadable"]
    if count & (count - 1) == 0:  # the 1st, 2nd, 4th, 8th …
        say(f"a log record could not be read ({kind}), {count} time(s); the service goes on")
    details = {"message": "", "logger": "", "site": "", "unreadable": kind}
    return Logged(time.time(), "error", "", *request_fields(), details)

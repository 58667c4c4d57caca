"""The application's own log lines, and those of its libraries, in the stream of events.

    log = ApplicationLog("copy", secrets=live)
    log.install()          # and `close` puts everything back

Every record that any logger passes on becomes an `app_log` event: bound to its request, escaped,
bounded, live secrets masked. Handlers of the application's go on as before ("copy"), and never see
a live secret; or those that write to standard output and standard error fall silent, for the stream
has their lines ("replace").

It stands where loggers call their handlers and not among the handlers: there it would keep
`basicConfig` from doing anything, `dictConfig` would remove it, and loggers that do not propagate
would pass it by. It never raises into the application, and takes no lock that a destructor or a
signal handler could wait for. A record is not sent where it would come back for ever, from within
the receivers of events; that is counted in `core.tally`.
"""

from __future__ import annotations

import copy
import logging
import sys
import threading
from collections.abc import Callable
from typing import Any, Literal

from stockade.core.bus import bus
from stockade.core.ports import LiveSecrets
from stockade.core.secret import Redactor
from stockade.core.tally import tally
from stockade.watch import records
from stockade.watch.plain_values import text_of
from stockade.watch.silence.hook import Hook

__all__ = ["ApplicationLog", "LogHandler"]

_MOST_CAUSES = 4
_DEEPEST = 2


class _Here(threading.local):
    """What this thread is at."""

    depth = 0
    """How many records it is making lines of, one while another is being formatted."""
    told: logging.LogRecord | None = None
    """The record whose handlers it is calling, if that is in the stream. No attribute of the
    record's own: other people's formatters would write it."""


_here = _Here()
_format_exception = logging.Formatter().formatException


class _Nesting:
    """Tells whether a record may be read: one while another is, and none while that is."""

    def __enter__(self) -> bool:
        _here.depth += 1
        if _here.depth <= _DEEPEST:
            return True
        tally.lines_dropped["nested"] += 1  # what it logs when it is shown logs again
        return False

    def __exit__(self, *raised: object) -> None:
        _here.depth -= 1


_nesting = _Nesting()


def _send(record: logging.LogRecord, said: tuple[str, str]) -> bool:
    """Put `record`, which says `said`, into the stream; whether it is there now."""
    if bus.drains_here:
        tally.lines_dropped["receiver"] += 1
        return False
    bus.log(records.line(record, said))
    return True


class LogHandler(logging.Handler):
    """The same as a handler, for those who configure logging themselves: `watch.application_logs`
    is then best `leave`; where it is not, no record is told twice."""

    def emit(self, record: logging.LogRecord) -> None:
        """Put `record` into the stream."""
        if _here.told is record:
            return
        with _nesting as admitted:
            if admitted:
                try:
                    _send(record, records.message(record))
                except Exception as error:
                    bus.log(records.unreadable(error))


class ApplicationLog:
    """Takes what loggers pass on, from `install` to `close`; there is one a process."""

    def __init__(
        self,
        mode: Literal["copy", "replace"] = "copy",
        *,
        level: int | str = logging.INFO,
        secrets: LiveSecrets | None = None,
    ) -> None:
        """Records below `level` go to the application's handlers only."""
        self._mode = mode
        self._level = level if isinstance(level, int) else logging.getLevelNamesMapping()[level]
        self._secrets = secrets
        self._redact = None if secrets is None else Redactor(secrets.values)
        self._hooks: list[Hook] = []

    def install(self) -> None:
        """Begin; calling it again changes nothing."""
        if self._hooks:
            return
        self._hooks = [Hook(logging.Logger, "callHandlers", self._call_handlers)]
        if self._mode == "replace":
            self._hooks.append(Hook(logging.StreamHandler, "emit", _emit_elsewhere))

    def close(self) -> None:
        """Put everything back."""
        hooks, self._hooks = self._hooks, []
        for hook in hooks:
            hook.undo()

    def _call_handlers(self, original: Callable[..., None]) -> Callable[..., None]:
        def call_handlers(logger: logging.Logger, record: logging.LogRecord) -> None:
            if not self._hooks:
                original(logger, record)
                return
            record, sent = self._take(record)
            before, _here.told = _here.told, record if sent else None
            try:
                original(logger, record)
            finally:
                _here.told = before

        return call_handlers

    def _take(self, record: logging.LogRecord) -> tuple[logging.LogRecord, bool]:
        """Send the record on its way: what the application's handlers get, and whether it went."""
        with _nesting as admitted:
            if not admitted:
                return record, False
            try:
                said = records.message(record)
                sent = record.levelno >= self._level and _send(record, said)
                return self._masked(record, said[0]), sent
            except Exception as error:  # a record of a class of its own may do anything
                bus.log(records.unreadable(error))
                return record, False

    def _masked(self, record: logging.LogRecord, message: str) -> logging.LogRecord:
        """The record without live secrets: the very same where it holds none."""
        if self._redact is None or self._secrets is None or not self._secrets.values():
            return record
        redact = self._redact
        changes: dict[str, Any] = {
            key: clean
            for key, value in records.extra_fields(record).items()
            if isinstance(value, str) and (clean := redact(value)) != value
        }
        if isinstance(record.msg, dict) and not record.args:
            changes["msg"] = {
                key: redact(value) if isinstance(value, str) else value
                for key, value in record.msg.items()
            }
        elif (clean := redact(message)) != message:
            changes |= {"msg": clean, "args": ()}
        if record.exc_text and (clean := redact(record.exc_text)) != record.exc_text:
            changes["exc_text"] = clean
        elif record.exc_info and _tells(record.exc_info[1], redact):
            # Formatters show this text rather than make one of the exception.
            changes["exc_text"] = redact(_format_exception(record.exc_info))
        if not changes:
            return record
        masked = copy.copy(record)
        masked.__dict__.update(changes)
        return masked


def _tells(error: BaseException | None, redact: Callable[[str], str]) -> bool:
    """Whether the message of `error`, or of what it came from, holds a live secret."""
    for _ in range(_MOST_CAUSES):
        if error is None:
            return False
        for text in (text_of(error), repr(error.args), *getattr(error, "__notes__", ())):
            if redact(text) != text:
                return True
        error = error.__cause__ or error.__context__
    return False


def _emit_elsewhere(original: Callable[..., None]) -> Callable[..., None]:
    """`StreamHandler.emit`, silent on the console about what the stream has."""

    def emit(handler: Any, record: logging.LogRecord) -> None:
        consoles = (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
        if _here.told is record and any(handler.stream is one for one in consoles):
            return
        original(handler, record)

    return emit

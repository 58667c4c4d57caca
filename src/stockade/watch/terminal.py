"""Events and the application's lines for a person who looks on, safe to show on a terminal."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TextIO

from stockade.core.events import Event, Outcome
from stockade.core.logged import NAME
from stockade.watch.columns import Piece, printable, wrapped
from stockade.watch.meanings import advice, meaning

__all__ = ["Terminal", "printable"]

_RED, _YELLOW, _MAGENTA, _GREEN = "\x1b[31m", "\x1b[33m", "\x1b[35m", "\x1b[32m"
_BOLD, _DIM, _RESET = "\x1b[1m", "\x1b[2m", "\x1b[0m"
_COLOURS = {
    Outcome.BLOCKED.value: _RED,
    Outcome.OBSERVED.value: _YELLOW,
    Outcome.FAILED.value: _MAGENTA,
    Outcome.ALLOWED.value: _GREEN,
    "warning": _YELLOW,
    "error": _RED,
    "critical": _BOLD + _RED,
}
_MARGIN = 9
"""Columns of the time and a blank."""
_TEXT = _MARGIN + 9
"""Columns before what is said: the time, and a word of eight letters at most."""
_NARROW = 60
_SMALLEST = 20
_MOST_FRAMES = 8


class Terminal:
    """A batch subscriber that shows what was blocked, would have been, or failed.

    Colour only on a terminal, and not where NO_COLOR is set (https://no-color.org). Lines are
    wrapped at the terminal's width, asked for at each batch; elsewhere they are not.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        redact: Callable[[str], str] | None = None,
        application: bool = False,
        width: int | None = None,
    ) -> None:
        """`redact` masks live secrets, such as a `core.secret.Redactor`; `application`: show the
        application's lines too; `width` in columns, where it is not the terminal's."""
        self._stream = stream
        self._redact = redact
        self._application = application
        self._given_width = width
        self._width = width
        self._colour = (
            stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        )

    def __call__(self, events: Sequence[Event]) -> None:
        """Write the events worth a person's look; raises OSError where the stream is gone."""
        wanted = [event for event in events if self._wants(event)]
        if not wanted:
            return
        self._width = self._given_width or self._columns()
        text = "".join(map(self.render, wanted))
        encoding = self._stream.encoding or "utf-8"
        self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        self._stream.flush()

    def render(self, event: Event) -> str:
        """Any event as lines, each with its newline."""
        lines = self._line(event) if event.name == NAME else self._event(event)
        return "".join(line + "\n" for line in lines)

    def _wants(self, event: Event) -> bool:
        if event.name == NAME:
            return self._application
        return event.outcome != Outcome.ALLOWED and event.outcome in _COLOURS

    def _columns(self) -> int | None:
        try:
            found = os.get_terminal_size(self._stream.fileno()).columns
        except (AttributeError, OSError, ValueError):
            return None  # a file or a pipe: whoever reads it wraps
        return max(_SMALLEST, found) if found else None

    # -- the lines -------------------------------------------------------------------------------

    def _event(self, event: Event) -> Iterator[str]:
        pieces = [
            *self._head(event, str(event.outcome)),
            self._piece(self._what(event), _BOLD),
            self._piece(f"at {event.resource}" if event.resource else ""),
            self._piece(f"from {event.client}" if event.client else ""),
            self._piece(f"as {event.principal}" if event.principal else ""),
            self._piece(f"[{event.rule}]" if event.rule else ""),
            self._piece(f"(request {event.request_id})" if event.request_id else ""),
        ]
        yield self._wrapped(pieces, _TEXT)
        todo = advice(event.name, event.outcome)
        if event.reason or todo:
            yield self._below(
                self._piece(event.reason), self._piece(f"→ {todo}" if todo else "", _DIM)
            )

    def _what(self, event: Event) -> str:
        if event.name != "http_request":
            return meaning(event.name).rstrip(".")
        known = event.details
        took = known.get("duration_us")
        spent = f" in {took / 1_000:.1f} ms" if isinstance(took, int) else ""
        return f"{known.get('method', '?')} answered with {known.get('status', '?')}{spent}"

    def _line(self, event: Event) -> Iterator[str]:
        details = event.details
        level = event.rule.rpartition(".")[2]
        fields = details.get("fields")
        pieces = [
            *self._head(event, level),
            self._piece(f"{details.get('logger', '')}:", _BOLD),
            self._piece(details.get("message", "")),
            *(
                self._piece(f"{key}={value}", _DIM)
                for key, value in (fields.items() if isinstance(fields, dict) else ())
            ),
            self._piece(f"(request {event.request_id})" if event.request_id else "", _DIM),
        ]
        yield self._wrapped(pieces, _TEXT)
        yield from self._exception(details.get("exception"))

    def _exception(self, told: Any) -> Iterator[str]:
        because = ""
        while isinstance(told, dict):
            yield self._below(
                self._piece(f"{because}{told.get('type', '')}:", _BOLD),
                self._piece(told.get("message", told.get("text", ""))),
            )
            for site in list(told.get("stack", ()))[:_MOST_FRAMES]:
                yield self._below(self._piece(f"at {site}", _DIM))
            told, because = told.get("cause"), "because of "

    # -- their pieces ----------------------------------------------------------------------------

    def _head(self, event: Event, word: str) -> tuple[Piece, Piece]:
        label = f"{printable(word).upper()[:8]:8}"
        style = _COLOURS.get(word, "") if self._colour else ""
        # A no-break blank for each column, for words are parted at the others.
        return Piece(f"{event.time:%H:%M:%S}"), Piece(label.replace(" ", _BLANK), style)

    def _piece(self, text: object, style: str = "") -> Piece:
        shown = str(text)
        if self._redact is not None:
            shown = self._redact(shown)
        return Piece(printable(shown), style if self._colour else "")

    def _below(self, *pieces: Piece) -> str:
        indent = self._indent(_MARGIN)
        return self._wrapped((Piece(_BLANK * (indent - 1)), *pieces), indent)

    def _wrapped(self, pieces: Sequence[Piece], indent: int) -> str:
        there = [piece for piece in pieces if piece.text]
        text = wrapped(there, self._width, self._indent(indent), _RESET if self._colour else "")
        return text.replace(_BLANK, " ").rstrip(" ")

    def _indent(self, usual: int) -> int:
        return usual if self._width is None or self._width >= _NARROW else 2


_BLANK = "\x00"
"""Stands for a blank that is no place to wrap; `printable` lets no other one through."""

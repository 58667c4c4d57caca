"""Events for a person who looks on: two lines each, safe to show on a terminal."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TextIO

from stockade.core.events import Event, Outcome
from stockade.watch.meanings import advice, meaning

__all__ = ["Terminal", "printable"]

_COLOURS = {Outcome.BLOCKED: "\x1b[31m", Outcome.OBSERVED: "\x1b[33m", Outcome.FAILED: "\x1b[35m"}
_BOLD, _DIM, _RESET = "\x1b[1m", "\x1b[2m", "\x1b[0m"


def printable(text: str) -> str:
    """`text` with all that could steer a terminal, or reorder a line, as visible escapes."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else f"\\u{ord(character):04x}" for character in text
    )


class Terminal:
    """A batch subscriber that shows what was blocked, would have been, or failed.

    Colour only on a terminal, and not where NO_COLOR is set (https://no-color.org).
    """

    def __init__(self, stream: TextIO, *, redact: Callable[[str], str] | None = None) -> None:
        """`redact` masks live secrets, such as a `core.secret.Redactor`."""
        self._stream = stream
        self._redact = redact
        self._colour = (
            stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        )

    def __call__(self, events: Sequence[Event]) -> None:
        """Write the events worth a person's look; raises OSError where the stream is gone."""
        text = "".join(self._lines(event) for event in events if event.outcome in _COLOURS)
        if not text:
            return
        encoding = self._stream.encoding or "utf-8"
        self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        self._stream.flush()

    def _lines(self, event: Event) -> str:
        colour, bold, dim, reset = (
            (_COLOURS[Outcome(event.outcome)], _BOLD, _DIM, _RESET) if self._colour else ("",) * 4
        )
        where = f" at {self._safe(event.resource)}" if event.resource else ""
        whom = f" from {self._safe(event.client)}" if event.client else ""
        if event.principal:
            whom += f" as {self._safe(event.principal)}"
        rule = f" [{self._safe(event.rule)}]" if event.rule else ""
        request = f" (request {self._safe(event.request_id)})" if event.request_id else ""
        what = meaning(event.name).rstrip(".")
        todo = advice(event.name, event.outcome)
        return (
            f"{event.time:%H:%M:%S} {colour}{event.outcome.upper():8}{reset} "
            f"{bold}{what}{reset}{where}{whom}{rule}{request}\n"
            f"         {self._safe(event.reason)}{dim}{' → ' + todo if todo else ''}{reset}\n"
        )

    def _safe(self, text: str) -> str:
        return printable(self._redact(text) if self._redact is not None else text)

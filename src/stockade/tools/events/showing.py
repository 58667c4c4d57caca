"""Events on standard output: for people, as JSON lines, or as OCSF. No control character leaves."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Literal

from stockade.core.events import Event
from stockade.watch.lines import LineEncoder
from stockade.watch.ocsf import OcsfLines
from stockade.watch.terminal import Terminal

__all__ = ["Form", "shower"]

Form = Literal["text", "json", "ocsf"]


def shower(form: Form) -> Callable[[Sequence[Event]], None]:
    """What writes events in this form, each batch at once."""
    if form == "text":
        terminal = Terminal(sys.stdout, application=True, width=_width())

        def show(events: Sequence[Event]) -> None:
            text = "".join(map(terminal.render, events))
            encoding = sys.stdout.encoding or "utf-8"
            sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
            sys.stdout.flush()

        return show
    encode = OcsfLines() if form == "ocsf" else LineEncoder()

    def write(events: Sequence[Event]) -> None:
        sys.stdout.buffer.write(encode(events))
        sys.stdout.buffer.flush()

    return write


def _width() -> int | None:
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or None
    except (OSError, ValueError):
        return None  # a file or a pipe: whoever reads it wraps

"""What `stockade run` tells people, on standard error: one fact a line, warnings hard to miss."""

from __future__ import annotations

import os
import sys
from typing import Any

from stockade.core.config import Settings

__all__ = ["Narrator"]

_MODES = {
    "block": "block: what a defence finds is refused",
    "observe": "observe: what a defence finds is reported, nothing is refused (--mode block)",
    "off": "OFF: nothing is guarded",
}
_LOUD, _PLAIN = "\x1b[1;31m", "\x1b[0m"


class Narrator:
    """Says what is going on. `mode` is that of the run."""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self._colour = sys.stderr.isatty() and not os.environ.get("NO_COLOR")

    def start(self, settings: Settings) -> None:
        """The banner."""
        watch = settings.watch
        log = {"-": "standard output", "": "no log"}.get(watch.log, watch.log)
        self.say(f"mode {_MODES[self.mode]}")
        if watch.log and watch.access_log == "replace" and self.mode != "off":
            self.say(
                "the server's own access log is off: events have each request, without raw paths "
                '(watch.access_log = "keep" keeps both)'
            )
        self.say(f"events go to {log}; audit events also to {watch.audit or 'no audit log'}")

    def guarded(self, message: dict[str, Any]) -> None:
        """The first interpreter has reported itself, with what confines it."""
        self.say(f"process {message['pid']} is guarded at its sinks")
        layers = message.get("layers", {})
        self.say(
            "confined: " + ("; ".join(f"{name} {how}" for name, how in layers.items()) or "nothing")
        )
        for door in message.get("open", ()):
            self.say(f"NOT confined: {door}")

    def serving(self, message: dict[str, Any]) -> None:
        """A server has loaded an application that is now guarded."""
        self.say(f"process {message['pid']} serves a guarded application ({message['text']})")

    def no_server(self) -> None:
        """Sinks are guarded, but nothing tells the requests' values from others."""
        self.warn(
            "NO SERVER IS GUARDED: no server that Stockade knows (uvicorn, gunicorn, hypercorn, "
            "granian, waitress, Werkzeug's and Django's development servers, wsgiref) has "
            "reported an application. Until one does, no value is known to be untrusted and no "
            "attack is recognised"
        )

    def unguarded(self, why: str) -> None:
        """No interpreter reports itself."""
        self.warn(
            f"NOT GUARDED: {why}. Programs that are not Python, and python -I, -E or -S, do not "
            "load Stockade"
        )
        if self.mode == "block":
            self.warn("ending it, for the mode is block (--mode observe lets it run)")

    def failed(self, message: dict[str, Any]) -> None:
        """An interpreter could not be guarded."""
        self.warn(f"process {message['pid']} is NOT GUARDED: {message['text']}")

    def say(self, text: str) -> None:
        """One line."""
        sys.stderr.write(f"stockade: {text}\n")
        sys.stderr.flush()

    def warn(self, text: str) -> None:
        """One line that is hard to miss."""
        self.say(f"{_LOUD}WARNING: {text}{_PLAIN}" if self._colour else f"WARNING: {text}")

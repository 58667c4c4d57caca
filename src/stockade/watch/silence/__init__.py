"""Silent failures of the application: what breaks where nobody would have noticed.

    silence = Silence(loop_stall=0.25)
    silence.install()          # and `close` puts everything back

`Stockade.start` does so. From then on each of these is an event with the exception's type and the
line of code, never a message or a value, and what the interpreter would have printed is printed as
before:

- the main thread's end (`sys_crash`), threads, destructors and callbacks, coroutines that nobody
  awaited, tasks, futures and pool work whose exception nobody took (`app_failed_silently`);
- event loops that stand still (`loop_stalled`).

**Not seen**: what the application itself swallows (`except: pass`); a failed task or future that
somebody keeps for ever and never asks; loops other than asyncio's and uvloop's; a crash in C code
(`stockade.watch.lifeline` tells of that, from another process). It fails open: nothing here may
change what the application does.
"""

from __future__ import annotations

import faulthandler
import sys
from collections.abc import Callable

from stockade.core.bus import bus
from stockade.core.events import Event
from stockade.watch.silence import futures, interpreter
from stockade.watch.silence.hook import Hook
from stockade.watch.silence.loops import Loops
from stockade.watch.silence.reporter import Reporter
from stockade.watch.silence.stalls import Stalls

__all__ = ["Silence"]


class Silence:
    """All of it, of this process. One at a time."""

    def __init__(
        self, *, loop_stall: float = 0.25, publish: Callable[[Event], None] = bus.publish
    ) -> None:
        """`loop_stall` in seconds: how long an event loop may stand still; 0: not watched."""
        self.reporter = Reporter(publish)
        """Also a batch subscriber of the bus, which keeps its thread alive over a fork."""
        self._stalls = Stalls(loop_stall, publish) if loop_stall > 0 else None
        self._hooks: list[Hook] = []
        self._loops: Loops | None = None
        self._faults = False

    def install(self) -> None:
        """Begin; calling it again changes nothing."""
        if self._loops is not None:
            return
        self.reporter.start()
        if self._stalls is not None:
            self._stalls.start()
        self._hooks = [*interpreter.hooks(self.reporter), *futures.hooks(self.reporter)]
        self._loops = Loops(self.reporter, self._stalls)
        self._faults = not faulthandler.is_enabled() and _has_descriptor()
        if self._faults:
            faulthandler.enable()  # a crash in C code leaves its Python stack on standard error

    def close(self) -> None:
        """Tell what waits, and put everything back."""
        if self._loops is None:
            return
        self._loops.undo()
        self._loops = None
        for hook in reversed(self._hooks):
            hook.undo()
        self._hooks = []
        if self._faults:
            faulthandler.disable()
        if self._stalls is not None:
            self._stalls.close()
        self.reporter.close()


def _has_descriptor() -> bool:
    try:
        return sys.stderr.fileno() >= 0
    except (AttributeError, OSError, ValueError):
        return False

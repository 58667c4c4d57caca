"""Event loops that stand still: while one request blocks the loop, all others wait, and no error
tells of it.

A thread asks each running loop for a sign of life (`call_soon_threadsafe`), twice in `seconds`. One
that does not come within `seconds` is a stall, and the stack of the loop's thread at that moment
says what it does. Requests pay nothing. Found is every stall of one and a half times `seconds`, and
none that is shorter than `seconds`. Code that also keeps the interpreter's lock (C code, or a
machine that gives this process no time) keeps the watching thread from running as well: that is
noticed afterwards, and told without a stack.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable

from stockade.core import code_site, context
from stockade.core.bus import bus
from stockade.core.events import CATALOGUE, Event, Outcome, now

__all__ = ["Stalls"]

_GOES_ON = 4.0  # times `seconds`, after which a stall is told while it lasts
_START_SECONDS = 30.0
_END_SECONDS = 5.0
_PLUMBING = ("asyncio.events:", "uvloop", "stockade.watch.silence.")


class _Watched:
    """One running loop, and the sign of life that it was asked for last."""

    def __init__(self, loop: asyncio.AbstractEventLoop, thread: int) -> None:
        self.loop, self.thread = loop, thread
        self.patience = _START_SECONDS
        """How long the first sign of life may take: servers load the application in their loop, and
        nobody is served yet."""
        self.asked = self.answered = float("-inf")
        self.stack: list[str] = []
        self.told = False

    def answer(self) -> None:
        self.answered = time.monotonic()


class Stalls:
    """Watches the loops of this process, from `start` to `close`; `seconds` are its patience."""

    def __init__(self, seconds: float, publish: Callable[[Event], None] = bus.publish) -> None:
        self.seconds = seconds
        self._publish = publish
        self._open = False
        self._loops: dict[int, _Watched]
        self._thread: threading.Thread | None
        self._start_over()
        itself: weakref.ref[Stalls] = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: _start_over(itself))

    def start(self) -> None:
        """Watch from now on; the thread begins with the first loop."""
        self._open = True

    def watch(self, loop: asyncio.AbstractEventLoop, thread: int) -> None:
        """`loop` runs on `thread` from now on."""
        self._loops[id(loop)] = _Watched(loop, thread)
        self._wake.set()
        if self._open and (self._thread is None or not self._thread.is_alive()):
            with self._starting:
                if self._thread is None or not self._thread.is_alive():
                    self._thread = threading.Thread(
                        target=self._run, name="stockade-stalls", daemon=True
                    )
                    context.start_outside_request(self._thread)

    def forget(self, loop: asyncio.AbstractEventLoop) -> None:
        """`loop` has ended; a stall in which it ended is told."""
        watched = self._loops.pop(id(loop), None)
        if watched is not None and self._open:
            watched.answer()
            self._judge(watched, watched.answered)

    def close(self) -> None:
        """Watch no more."""
        self._open = False
        thread = self._thread
        self._wake.set()
        if thread is not None and thread.is_alive():
            thread.join(_END_SECONDS)
        self._loops.clear()

    def _run(self) -> None:
        pause = self.seconds / 2
        while self._open:
            if not self._loops:
                self._wake.wait()
                self._wake.clear()
            due = time.monotonic() + pause
            time.sleep(pause)
            woke = time.monotonic()
            for watched in list(self._loops.values()):
                self._look_at(watched, woke, late=woke - due)

    def _look_at(self, watched: _Watched, at: float, *, late: float) -> None:
        if watched.answered < watched.asked:
            lag = at - watched.asked
            if lag < watched.patience:
                return
            if lag >= self.seconds and not watched.stack:
                watched.stack = _stack(watched.thread)
            if lag >= _GOES_ON * self.seconds and not watched.told and watched.stack:
                watched.told = True
                self._tell(lag, watched.stack, "The event loop stands still.", ended=False)
            return
        told = self._judge(watched, watched.answered) or watched.patience > 0
        if watched.asked > float("-inf"):
            watched.patience = 0.0
        if not told and late >= self.seconds:
            self._tell(late, [], "The whole process stood still, and its event loop with it.")
        watched.asked, watched.stack, watched.told = time.monotonic(), [], False
        try:
            watched.loop.call_soon_threadsafe(watched.answer)
        except RuntimeError:  # closed between the two
            self._loops.pop(id(watched.loop), None)

    def _judge(self, watched: _Watched, answered: float) -> bool:
        """Tell of the stall, if the sign of life that has come took so long."""
        lag = answered - watched.asked
        if not max(self.seconds, watched.patience) <= lag < float("inf"):
            return False
        self._tell(lag, watched.stack, "The event loop stood still: every request waited.")
        return True

    def _tell(self, lag: float, stack: list[str], reason: str, *, ended: bool = True) -> None:
        self._publish(
            Event(
                time=now(),
                name="loop_stalled",
                severity=CATALOGUE["loop_stalled"].severity,
                outcome=Outcome.OBSERVED,
                part="watch",
                reason=reason,
                rule="silence.loop-stall",
                details={"seconds": round(lag, 3), "ended": ended, "stack": stack},
            )
        )

    def _start_over(self) -> None:
        self._loops = {}
        self._thread = None
        self._starting = threading.Lock()
        self._wake = threading.Event()


def _stack(thread: int) -> list[str]:
    """What a loop's thread runs, without what runs the loop."""
    sites = code_site.stack(sys._current_frames().get(thread))
    ours = next((n for n, site in enumerate(sites) if n and site.startswith(_PLUMBING)), None)
    return sites[:ours]


def _start_over(itself: weakref.ref[Stalls]) -> None:
    here = itself()
    if here is not None:
        here._start_over()

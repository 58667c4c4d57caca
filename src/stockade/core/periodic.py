"""Work that a thread of its own does every so often, beside the requests.

The thread is a daemon, belongs to no request, and dies with a fork: the child's begins when the bus
next hands it something (`Periodic` is a batch subscriber that does nothing else), so that a child
which serves nothing gets no thread. Work that raises is told on standard error and as an event, and
goes on at the next turn.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Sequence

from stockade.core import context
from stockade.core.bus import emit, say
from stockade.core.events import Event, Outcome

__all__ = ["Periodic"]

_END_SECONDS = 5.0


class Periodic:
    """Calls `work` every `seconds`, from `start` to `close`."""

    def __init__(self, name: str, work: Callable[[], object], *, seconds: float) -> None:
        """`name` is what people read: the thread's name, and that of a failure."""
        self.name = name
        self.failures = 0
        """Turns that raised."""
        self._work = work
        self._seconds = seconds
        self.open = False
        """Between `start` and `close`."""
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._wake = threading.Event()
        itself: weakref.ref[Periodic] = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: _start_over(itself))

    def __call__(self, events: Sequence[Event] = ()) -> None:
        """Make sure that the thread runs, as it does not after a fork."""
        if self.open and not self.alive:
            self.start()

    def start(self) -> None:
        """Begin; a process that may have no more threads says so, and tries again when called."""
        self.open = True
        with self._starting:
            if self.alive:
                return
            thread = threading.Thread(target=self._run, name=f"stockade-{self.name}", daemon=True)
            self._thread = thread  # first: what it does may ask whether it is alive
            try:
                context.start_outside_request(thread)
            except RuntimeError as error:
                self._report(error)

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def hurry(self) -> None:
        """Take the next turn now."""
        self._wake.set()

    def close(self, *, last: bool = True) -> None:
        """End the thread, and with `last` do the work once more; waits five seconds at most."""
        self.open = False
        thread = self._thread
        if thread is not None and thread.is_alive():
            self._wake.set()
            thread.join(_END_SECONDS)
            if thread.is_alive():
                say(f"{self.name} still hangs after {_END_SECONDS:.0f} s and is left behind")
                return
        if last:
            self._turn()

    def _run(self) -> None:
        while self.open:
            self._turn()
            self._wake.wait(self._seconds)
            self._wake.clear()

    def _turn(self) -> None:
        try:
            self._work()
        except Exception as error:
            self._report(error)

    def _report(self, error: BaseException) -> None:
        self.failures += 1
        if self.failures & (self.failures - 1) != 0:  # the 1st, 2nd, 4th, 8th …: never a flood
            return
        kind = type(error).__name__
        say(f"{self.name} failed ({kind}), {self.failures} time(s); it is tried again")
        emit(
            "defence_failed",
            Outcome.FAILED,
            "watch",
            "Work that is done beside the requests failed; it is tried again.",
            rule=f"periodic.{self.name}",
            error=kind,
            count=self.failures,
        )

    def start_over(self) -> None:
        """After a fork: the thread is the parent's, and its locks may be held for ever."""
        self._thread = None
        self._starting = threading.Lock()
        self._wake = threading.Event()


def _start_over(itself: weakref.ref[Periodic]) -> None:
    here = itself()
    if here is not None:
        here.start_over()

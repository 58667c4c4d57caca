"""From a failure to its event, by a detour: whoever notices one may be a destructor.

A destructor runs wherever the garbage collector happens to, also while this very thread holds the
lock of the event bus; to publish there would wait for itself for ever. So a failure is put into a
queue whose `put` may be interrupted by itself (`queue.SimpleQueue`), and a thread publishes it.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Sequence
from datetime import datetime
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple

from stockade.core import code_site, context
from stockade.core.bus import bus
from stockade.core.context import RequestContext
from stockade.core.events import CATALOGUE, Event, Outcome, now

__all__ = ["Failure", "Reporter"]

MOST_WAITING = 10_000
"""Failures that wait to be told; beyond that they are only counted."""
_END_SECONDS = 5.0


class Failure(NamedTuple):
    """What failed. `raised` is a code site; `request` is whom the code worked for, if it is known.

    `known` are further facts: names and numbers of the program's own, never a value.
    """

    time: datetime
    name: str
    rule: str
    reason: str
    exception: str
    raised: str
    request: RequestContext | None
    known: dict[str, Any]

    @classmethod
    def of(
        cls,
        rule: str,
        reason: str,
        error: BaseException | None = None,
        *,
        name: str = "app_failed_silently",
        raised: str = "",
        request: RequestContext | None = None,
        **known: Any,
    ) -> Failure:
        """The failure that is seen now; `raised` where `error` does not say it."""
        return cls(
            now(),
            name,
            rule,
            reason,
            "" if error is None else code_site.kind(type(error)),
            code_site.raised(error) or raised,
            request if request is not None else context.current(),
            known,
        )

    def event(self) -> Event:
        """The event that tells of it."""
        request = self.request
        return Event(
            time=self.time,
            name=self.name,
            severity=CATALOGUE[self.name].severity,
            outcome=Outcome.OBSERVED,
            part="app",
            request_id="" if request is None else request.id,
            trace_id="" if request is None else request.trace_id,
            client="" if request is None else request.client,
            principal="" if request is None else request.principal,
            resource="" if request is None else request.resource,
            reason=self.reason,
            rule=self.rule,
            details={"exception": self.exception, "raised": self.raised, **self.known},
        )


class Reporter:
    """Publishes failures from a thread of its own, from `start` to `close`."""

    def __init__(self, publish: Callable[[Event], None] = bus.publish) -> None:
        self.lost = 0
        """Failures for which there was no room."""
        self._publish = publish
        self._open = False
        self._thread: threading.Thread | None
        self._starting: threading.Lock
        self._queue: SimpleQueue[Failure | None]
        self._start_over()
        itself: weakref.ref[Reporter] = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: _start_over(itself))

    def tell(self, failure: Failure) -> None:
        """Have `failure` published soon; takes no lock, so that destructors may call it."""
        if not self._open:
            return
        if self._queue.qsize() >= MOST_WAITING:
            self.lost += 1
        else:
            self._queue.put(failure)

    def __call__(self, events: Sequence[Event] = ()) -> None:
        """Make sure that the thread runs, as it does not after a fork: a batch subscriber."""
        if self._open and (self._thread is None or not self._thread.is_alive()):
            self.start()

    def start(self) -> None:
        """Begin to publish."""
        self._open = True
        with self._starting:
            if self._thread is not None and self._thread.is_alive():
                return
            thread = threading.Thread(target=self._run, name="stockade-silence", daemon=True)
            try:
                context.start_outside_request(thread)
            except RuntimeError:  # no more threads, or the interpreter ends: `close` publishes
                return
            self._thread = thread

    def close(self) -> None:
        """Publish what waits, and end."""
        self._open = False
        thread = self._thread
        self._queue.put(None)
        if thread is not None and thread.is_alive() and thread is not threading.current_thread():
            thread.join(_END_SECONDS)
        self._drain()

    def _run(self) -> None:
        queue = self._queue
        while (failure := queue.get()) is not None:
            self._tell(failure)

    def _drain(self) -> None:
        while True:
            try:
                failure = self._queue.get_nowait()
            except Empty:
                return
            if failure is not None:
                self._tell(failure)

    def _tell(self, failure: Failure) -> None:
        self._publish(failure.event())
        if self.lost:
            lost, self.lost = self.lost, 0
            reason = "More failures came at once than could be told; details.lost were not."
            self._publish(Failure.of("silence.lost", reason, lost=lost).event())

    def _start_over(self) -> None:
        self._thread = None
        self._starting = threading.Lock()
        self._queue = SimpleQueue()


def _start_over(itself: weakref.ref[Reporter]) -> None:
    here = itself()
    if here is not None:
        here._start_over()

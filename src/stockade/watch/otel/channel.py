"""One kind of telemetry on its way to the collector: a bounded queue, a thread, exact counts.

`offer` never waits. What is taken in, and not sent yet, waits in the queue; where that is full the
newest are dropped, for what came first explains the rest. A batch that the collector did not take
is sent again at the next turn, one that it refuses for good (400, 413) is dropped. Items are made
ready to send on the thread, not by whoever offers them.
"""

from __future__ import annotations

import os
import time
import weakref
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from stockade.core.bus import say
from stockade.core.health import OK, State, Verdict
from stockade.core.periodic import Periodic
from stockade.core.tally import Reading
from stockade.watch.otel.transport import Transport

__all__ = ["Channel"]

T = TypeVar("T")

_BATCH = 512
_TURN_SECONDS = 1.0
_LEAVE_SECONDS = 5.0
QUEUE_FULL, REFUSED, BROKEN, LEFT = "queue full", "refused", "not encodable", "left at the end"


class Channel(Generic[T]):
    """Sends what it is offered, as `prepare` makes it, by the exporter that `transport` opens."""

    def __init__(
        self,
        signal: str,
        transport: Transport,
        prepare: Callable[[T], Any],
        *,
        capacity: int,
        seconds: float = _TURN_SECONDS,
    ) -> None:
        """`signal` is `logs`, `traces` or `metrics`; `seconds` the longest that an item rests."""
        self.signal = signal
        self.exported = 0
        self.dropped: Counter[str] = Counter()
        """By reason."""
        self.sender = Periodic(f"otel-{signal}", self._turn, seconds=seconds)
        self._transport = transport
        self._prepare = prepare
        self._capacity = capacity
        self._queue: deque[T] = deque()
        self._batch: list[Any] = []
        self._failing = ""
        itself: weakref.ref[Channel[T]] = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: _start_over(itself))

    def start_over(self) -> None:
        """After a fork: what waits is the parent's to send, and to count."""
        self._queue.clear()
        self._batch, self._failing = [], ""
        self.exported = 0
        self.dropped.clear()
        self._transport.start_over()

    def offer(self, items: Iterable[T]) -> None:
        """Take items in, as far as there is room."""
        queue = self._queue
        for item in items:
            if len(queue) < self._capacity:
                queue.append(item)
            else:
                self.dropped[QUEUE_FULL] += 1
        if len(queue) >= _BATCH and not self._failing:
            self.sender.hurry()

    @property
    def waiting(self) -> int:
        """Items that have not been sent."""
        return len(self._queue) + len(self._batch)

    def verdict(self) -> Verdict:
        """Degraded while the collector takes nothing, failed once items are lost."""
        if not self._failing:
            return OK
        if len(self._queue) >= self._capacity:
            return Verdict(State.FAILED, "The collector takes nothing; what is new is dropped.")
        return Verdict(State.DEGRADED, self._failing)

    def readings(self) -> Iterator[Reading]:
        """For the metrics."""
        yield "otel_exported", (self.signal,), self.exported
        yield "otel_queue_items", (self.signal,), self.waiting
        for reason in (QUEUE_FULL, REFUSED, BROKEN, LEFT):
            yield "otel_dropped", (self.signal, reason), self.dropped[reason]

    def close(self) -> None:
        """Send what waits, for five seconds at most; what is left is counted and told."""
        deadline = time.monotonic() + _LEAVE_SECONDS
        self.sender.hurry()
        while self.waiting and time.monotonic() < deadline and not self._failing:
            time.sleep(0.02)
        self._transport.close()
        self.sender.close(last=False)
        if self.waiting:
            self.dropped[LEFT] += self.waiting
            say(f"{self.waiting} item(s) of {self.signal} never reached the collector")

    def _turn(self) -> None:
        while self.sender.open or not self._failing:
            if not self._batch:
                self._batch = self._ready()
            if not self._batch:
                return
            if not self._send(self._batch):
                return
            self._batch = []

    def _ready(self) -> list[Any]:
        ready: list[Any] = []
        queue = self._queue
        while queue and len(ready) < _BATCH:
            item = queue.popleft()
            try:
                ready.append(self._prepare(item))
            except Exception:  # one item that cannot be told must not cost the others
                self.dropped[BROKEN] += 1
        return ready

    def _send(self, batch: Sequence[Any]) -> bool:
        """Whether this batch is done with."""
        answer = self._transport.send(batch)
        if answer.taken:
            self.exported += len(batch) - answer.rejected
            self.dropped[REFUSED] += answer.rejected
            self._failing = ""
        elif answer.for_good:
            self.dropped[REFUSED] += len(batch)
            self._failing = "The collector refuses what it is sent; that is dropped."
            return True
        else:
            self._failing = "The collector does not take what it is sent; it waits."
        return answer.taken


def _start_over(itself: weakref.ref[Channel[Any]]) -> None:
    here = itself()
    if here is not None:
        here.start_over()

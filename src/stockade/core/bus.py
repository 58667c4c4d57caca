"""The bus: one stream of events, two lanes.

Audit events are handed to the audit subscribers before `publish` returns, so that what a journal
wrote survives a SIGKILL; they fail *open* (a full disk must not stop the service) and loudly: a
line on standard error, a count, an event. Telemetry waits in a bounded queue for a thread that
hands it out in batches; what does not fit is dropped and counted, and a SIGKILL loses up to
`interval` seconds of it. Both lanes reach the batch subscribers (log, metrics, detection).

A subscriber may publish; what it publishes leaves with the same flush or the next one.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from stockade.core import context
from stockade.core.answered import Answered
from stockade.core.events import CATALOGUE, Event, Lane, Outcome, now
from stockade.core.sampling import PER_WINDOW, SAMPLED, Sampler

__all__ = ["Bus", "bus", "emit", "say"]

Batch: TypeAlias = Callable[[Sequence[Event]], None]
Audit: TypeAlias = Callable[[Event], None]

OTHER = "(other)"
_MAX_COUNTS = 4_096
_ROUNDS = 8
_EXIT_SECONDS = 5.0


def say(line: str) -> None:
    """Write a line to standard error; never raises, for there is nowhere left to complain."""
    try:
        sys.stderr.write(f"stockade: {line}\n")
        sys.stderr.flush()
    except (AttributeError, OSError, ValueError):
        pass


class Bus:
    """Where events go. There is one a process, `stockade.core.bus.bus`; tests may make others."""

    def __init__(self, *, capacity: int = 65_536, batch: int = 220, interval: float = 0.05) -> None:
        """`capacity` events wait at most in each lane; a batch leaves every `interval` seconds."""
        self.capacity = capacity
        self.batch = batch
        self.interval = interval
        self.counts: Counter[tuple[str, str, str]] = Counter()
        self.dropped: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.pending: list[Event | Answered] = []
        self._audit_pending: list[Event | Answered] = []
        self._batch_subscribers: list[Batch] = []
        self._audit_subscribers: list[Audit] = []
        self._start_over()
        itself: weakref.ref[Bus] = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: _start_over(itself))

    def _start_over(self) -> None:
        # A fork copies queue and counts but not the thread: the parent still has these to write.
        self.pending.clear()
        self._audit_pending.clear()
        self._sampler = Sampler()
        self.counts.clear()
        self.dropped.clear()
        self.failures.clear()
        self._drops_told: Counter[str] = Counter()
        self._counting = threading.Lock()
        self._starting = threading.Lock()
        self._draining = threading.Lock()
        self._drainer = 0
        self._wake = threading.Event()
        self._hurry = threading.Event()
        self._drained = threading.Event()
        self._thread: threading.Thread | None = None
        self._exiting = self._last = False
        self.armed = False

    # -- subscribing -----------------------------------------------------------------------------

    def subscribe(self, receive: Batch) -> None:
        """Hand every event of both lanes to `receive`, in batches, from the bus's own thread."""
        self._batch_subscribers = [*self._batch_subscribers, receive]

    def subscribe_audit(self, receive: Audit) -> None:
        """Hand every audit event to `receive` before `publish` returns."""
        self._audit_subscribers = [*self._audit_subscribers, receive]

    def unsubscribe(self, receive: Callable[..., None]) -> None:
        """Forget a subscriber of either kind; one that never subscribed is no error."""
        # New lists: another thread may be walking the old ones, and would skip a neighbour.
        self._batch_subscribers = [one for one in self._batch_subscribers if one != receive]
        self._audit_subscribers = [one for one in self._audit_subscribers if one != receive]

    # -- publishing ------------------------------------------------------------------------------

    def publish(self, event: Event) -> None:
        """Send `event` down the lane that the catalogue gives its name.

        Raises KeyError for a name that the catalogue does not list: that is a bug in the caller.
        """
        lane = CATALOGUE[event.name].lane
        key = (event.name, event.outcome, event.rule)
        with self._counting:
            if key not in self.counts and len(self.counts) >= _MAX_COUNTS:
                key = (event.name, event.outcome, OTHER)
            self.counts[key] += 1
        if event.name in SAMPLED and not self._sampler.keeps(
            (event.name, event.outcome, event.rule, event.resource)
        ):
            if not self.armed:
                self.arm()
            return
        if lane is Lane.AUDIT:
            self._hand_to_audit(event)
            queue = self._audit_pending
        else:
            queue = self.pending
        if len(queue) >= self.capacity:
            with self._counting:
                self.dropped[lane.value] += 1
        else:
            queue.append(event)
        if not self.armed:
            self.arm()

    def sample(self, most: int = PER_WINDOW) -> None:
        """Write `most` refusals of a kind in a window (`core.sampling`), 0: all; begins anew."""
        self._sampler = Sampler(most=most)

    def arm(self) -> None:
        """Make sure that the thread runs and will soon drain the queue; idle buses do not wake."""
        self.armed = True
        if self._exiting:
            self.flush()
            return
        thread = self._thread
        # Whoever does not get the lock leaves the start to the thread that holds it.
        if (thread is None or not thread.is_alive()) and self._starting.acquire(blocking=False):
            try:
                self._start_thread()
            finally:
                self._starting.release()
        self._wake.set()

    def _start_thread(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            return
        thread = threading.Thread(target=self._run, name="stockade-bus", daemon=True)
        try:
            context.start_outside_request(thread)
        except RuntimeError as error:
            self.armed = False  # the next event tries again
            self._report_failure(self._start_thread, error)
        else:
            self._thread = thread

    def flush(self, *, last: bool = False) -> None:
        """Hand out everything that waits, now, on the calling thread.

        `last`: also what was only counted so far (`core.sampling`), for those who receive events
        are about to leave. From within a subscriber it does nothing: the flush that called it goes
        on anyway.
        """
        if self._drainer == threading.get_ident():
            return
        with self._draining:
            self._last = last
            self._drainer = threading.get_ident()
            # What a subscriber publishes must not be taken for the caller's request.
            token = context.variable.set(None)
            try:
                self._drain()
            finally:
                context.variable.reset(token)
                self._drainer = 0

    def _drain(self) -> None:
        # Bounded rounds: a subscriber that answers every event with another must not pin us here.
        for _ in range(_ROUNDS):
            self.armed = False  # first: what is appended from here on arms again
            for queue in (self._audit_pending, self.pending):
                entries = queue[:]
                del queue[: len(entries)]
                for start in range(0, len(entries), self.batch):
                    batch = entries[start : start + self.batch]
                    self._hand_out(
                        [
                            one.event() if isinstance(one, Answered) else one
                            for one in batch
                            if isinstance(one, Event) or not one.refused or self._keeps(one)
                        ]
                    )
            self._tell_drops()
            self._tell_omitted()
            if not self._audit_pending and not self.pending:
                return
        self.arm()

    def _tell_drops(self) -> None:
        news = {
            lane: count - self._drops_told[lane]
            for lane, count in list(self.dropped.items())
            if count > self._drops_told[lane]
        }
        if news:
            self._drops_told.update(news)
            reason = "Events came faster than they could be written, or their writing failed."
            self.publish(_own_event("events_dropped", reason, dict(news)))

    def _keeps(self, refused: Answered) -> bool:
        kind = ("http_request", Outcome.BLOCKED, str(refused.status), refused.resource)
        return self._sampler.keeps(kind)

    def _tell_omitted(self) -> None:
        for omitted in self._sampler.ended(all_of_them=self._last):
            event = _own_event(
                "events_sampled",
                "Refusals of one kind came so fast that the rest of them were only counted.",
                {
                    "event": omitted.name,
                    "written": omitted.written,
                    "omitted": omitted.omitted,
                },
            )
            event.outcome, event.rule = omitted.outcome, omitted.rule
            event.resource = omitted.resource
            self.publish(event)

    def _run(self) -> None:
        while True:
            self._wake.wait(self._sampler.due())
            self._wake.clear()
            self._hurry.wait(self.interval)
            self.flush()
            self._drained.set()

    def _flush_at_exit(self) -> None:
        # On the bus's thread where there is one: a reader that hangs must not keep us from ending.
        if self._thread is not None and self._thread.is_alive():
            self._hurry.set()
            self._drained.clear()
            self._wake.set()
            if not self._drained.wait(_EXIT_SECONDS):
                waiting = len(self._audit_pending) + len(self.pending)
                say(
                    f"the event log still hangs after {_EXIT_SECONDS:.0f} s; {waiting} or more "
                    "events of the last moments were not written"
                )
                return
        self._exiting = True
        self.flush(last=True)

    # -- subscribers -----------------------------------------------------------------------------

    def _hand_out(self, events: Sequence[Event]) -> None:
        for receive in self._batch_subscribers:
            try:
                receive(events)
            except BaseException as error:
                self._report_failure(receive, error)
                # The thread outlives a subscriber's SystemExit; a caller's Ctrl-C is the caller's.
                if not isinstance(error, Exception) and self._thread is not _this_thread():
                    raise

    def _hand_to_audit(self, event: Event, skip: Callable[..., None] | None = None) -> None:
        for receive in self._audit_subscribers:
            if receive == skip:
                continue
            try:
                receive(event)
            except Exception as error:
                self._report_failure(receive, error)

    def _report_failure(self, receive: Callable[..., None], error: BaseException) -> None:
        who = getattr(receive, "__qualname__", type(receive).__qualname__)
        with self._counting:
            self.failures[who] += 1
            count = self.failures[who]
        if count & (count - 1) != 0:  # the 1st, 2nd, 4th, 8th …: loud, never a flood or a loop
            return
        kind = type(error).__name__
        say(f"{who} failed ({kind}), {count} time(s); the service goes on without it")
        event = _own_event(
            "defence_failed",
            "A receiver of events failed; the service goes on without it.",
            {"subscriber": who, "error": kind, "count": count},
        )
        with self._counting:
            self.counts[event.name, event.outcome, event.rule] += 1
        self._hand_to_audit(event, skip=receive)
        self._audit_pending.append(event)  # however full: so few of them ever come
        if receive != self._start_thread and not self.armed:
            self.arm()


def _start_over(itself: weakref.ref[Bus]) -> None:
    here = itself()
    if here is not None:
        here._start_over()


def _this_thread() -> threading.Thread:
    return threading.current_thread()


def _own_event(name: str, reason: str, details: dict[str, Any]) -> Event:
    return Event(
        time=now(),
        name=name,
        severity=CATALOGUE[name].severity,
        outcome=Outcome.FAILED,
        part="watch",
        reason=reason,
        details=details,
    )


bus = Bus()
"""The bus of this process."""
atexit.register(bus._flush_at_exit)


def emit(
    name: str,
    outcome: Outcome,
    part: str,
    reason: str,
    *,
    rule: str = "",
    principal: str | None = None,
    **details: Any,
) -> None:
    """Publish an event about the current request, if there is one, on the process's bus.

    `reason` is a constant sentence for a person; `details` hold fingerprints, lengths and
    positions, never a raw untrusted value or a secret.
    """
    request = context.current()
    spec = CATALOGUE[name]
    bus.publish(
        Event(
            time=now(),
            name=name,
            severity=spec.severity,
            outcome=outcome,
            part=part,
            request_id="" if request is None else request.id,
            trace_id="" if request is None else request.trace_id,
            client="" if request is None else request.client,
            principal=principal
            if principal is not None
            else ("" if request is None else request.principal),
            resource="" if request is None else request.resource,
            reason=reason,
            rule=rule,
            details=details,
        )
    )

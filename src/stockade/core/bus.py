"""The bus: one stream of events, two lanes.

Audit events are handed to the audit subscribers before `publish` returns, so that what an audit
log wrote survives a SIGKILL; they fail *open* (a full disk must not stop the service) and loudly: a
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
import time
import weakref
from collections import Counter
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, TypeAlias

from stockade.core import context, spans
from stockade.core.answered import Answered
from stockade.core.event_rows import EventRows
from stockade.core.events import CATALOGUE, Event, Lane, Outcome, now
from stockade.core.logged import NAME, Logged
from stockade.core.sampling import LINES_PER_WINDOW, PER_WINDOW, Sampler

__all__ = ["Bus", "bus", "emit", "flush_children", "say"]

Batch: TypeAlias = Callable[[Sequence[Event]], None]
Audit: TypeAlias = Callable[[Event], None]
Waiting: TypeAlias = Event | Answered | Logged

_ROUNDS = 8
_EXIT_SECONDS = 5.0
_LINE_SECONDS = 0.5


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
        self._rows = EventRows()
        self.dropped: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.pending: list[Waiting] = []
        self._audit_pending: list[Waiting] = []
        self._lines = LINES_PER_WINDOW
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
        self._rows.start_over()
        self.dropped.clear()
        self.failures.clear()
        self._drops_told: Counter[str] = Counter()
        self._counting = threading.Lock()
        self._starting = threading.Lock()
        self._draining = threading.Lock()
        self._drainer = 0
        self.busy_since = 0.0
        # A queue, for a destructor may put into it what interrupts the thread that takes from it.
        self._wake: SimpleQueue[threading.Event | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._exiting = self._last = False
        self.ends = False
        """The application has stopped: its server may end by a signal before the thread wakes."""
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

    @property
    def counts(self) -> Counter[tuple[str, str, str]]:
        """Events published so far, by name, outcome and rule."""
        return self._rows.counts()

    @property
    def waiting(self) -> dict[str, int]:
        """How many events wait to be handed out, by lane."""
        return {
            Lane.AUDIT.value: len(self._audit_pending),
            Lane.TELEMETRY.value: len(self.pending),
        }

    @property
    def thread_alive(self) -> bool:
        """Whether there is a thread to hand events out; an idle bus may not have begun one."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def drains_here(self) -> bool:
        """Whether the calling thread is the one that hands events out right now."""
        return self._drainer == threading.get_ident()

    @property
    def hangs(self) -> float:
        """Seconds for which receivers have been at the events they were handed; 0.0: they rest."""
        since = self.busy_since
        return time.monotonic() - since if since else 0.0

    @property
    def sampled_out(self) -> dict[str, int]:
        """Events that were only counted (`core.sampling`), by name."""
        return dict(self._sampler.omitted)

    # -- publishing ------------------------------------------------------------------------------

    def publish(self, event: Event) -> None:
        """Send `event` down the lane that the catalogue gives its name.

        Raises KeyError for a name that the catalogue does not list: that is a bug in the caller.
        """
        row = self._rows.get((event.name, event.outcome, event.rule))
        if row is None:
            row = self._rows.row(event.name, event.outcome, event.rule)
        row.n += 1
        if row.sampled and not self._sampler.keeps(
            (event.name, event.outcome, event.rule, event.resource)
        ):
            if not self.armed:
                self.arm()
            return
        if row.audited:
            self._hand_to_audit(event)
            queue = self._audit_pending
        else:
            queue = self.pending
        if len(queue) >= self.capacity:
            with self._counting:
                self.dropped[(Lane.AUDIT if row.audited else Lane.TELEMETRY).value] += 1
        else:
            queue.append(event)
        if not self.armed:
            self.arm()

    def log(self, line: Logged) -> None:
        """Send a line of the application to those who receive batches; takes no lock."""
        if len(self.pending) >= self.capacity:
            self.dropped[Lane.TELEMETRY.value] += 1
        else:
            self.pending.append(line)
        if not self.armed:
            self.arm()
        if self.ends and not self.drains_here:
            self._wait_for_thread(_LINE_SECONDS)

    def sample(self, most: int = PER_WINDOW, lines: int = LINES_PER_WINDOW) -> None:
        """Write `most` refusals of a kind in a window (`core.sampling`), 0: all; begins anew.

        `lines` is the same for each line of code that logs.
        """
        self._lines = lines
        omitted = self._sampler.omitted
        self._sampler = Sampler(most=most)
        self._sampler.omitted.update(omitted)  # a counter never goes back

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
        self._wake.put(None)

    def _start_thread(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            return
        thread = threading.Thread(target=self._run, name="stockade-bus", daemon=True)
        self._thread = thread  # first: what it does may ask whether it is alive
        try:
            context.start_outside_request(thread)
        except RuntimeError as error:
            self.armed = False  # the next event tries again
            self._report_failure(self._start_thread, error)

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
            self.busy_since = time.monotonic()
            # What a subscriber publishes must not be taken for the caller's request.
            token = context.variable.set(None)
            try:
                self._drain()
            finally:
                context.variable.reset(token)
                self._drainer = 0
                self.busy_since = 0.0

    def _drain(self) -> None:
        # Bounded rounds: a subscriber that answers every event with another must not pin us here.
        for _ in range(_ROUNDS):
            self.armed = False  # first: what is appended from here on arms again
            for queue in (self._audit_pending, self.pending):
                entries = queue[:]
                del queue[: len(entries)]
                for start in range(0, len(entries), self.batch):
                    batch = entries[start : start + self.batch]
                    self._hand_out(self._events(batch))
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

    def _events(self, batch: Sequence[Waiting]) -> list[Event]:
        """What waited, as events, without those that are only counted."""
        events: list[Event] = []
        for one in batch:
            if isinstance(one, Answered):
                if not one.refused or self._keeps(one):
                    events.append(one.event())
            elif isinstance(one, Event):
                events.append(one)
            elif self._keeps_line(one):
                events.append(one.event())
        return events

    def _keeps(self, refused: Answered) -> bool:
        kind = ("http_request", Outcome.BLOCKED, str(refused.status), refused.resource)
        return self._sampler.keeps(kind)

    def _keeps_line(self, line: Logged) -> bool:
        key = (NAME, Outcome.OBSERVED, line.rule)
        row = self._rows.get(key)
        if row is None:
            row = self._rows.row(*key)
        row.n += 1
        return not self._lines or self._sampler.keeps((*key, "", line.site), self._lines)

    def _tell_omitted(self) -> None:
        for omitted in self._sampler.ended(all_of_them=self._last):
            event = _own_event(
                "events_sampled",
                "Events of one kind came so fast that the rest of them were only counted.",
                {
                    "event": omitted.name,
                    "written": omitted.written,
                    "omitted": omitted.omitted,
                }
                | ({"site": omitted.site} if omitted.site else {}),
            )
            event.outcome, event.rule = omitted.outcome, omitted.rule
            event.resource = omitted.resource
            self.publish(event)

    def _run(self) -> None:
        while True:
            wait: float | None = self._sampler.due()
            waiting: list[threading.Event] = []
            until = 0.0
            try:
                while True:
                    done = self._wake.get(timeout=wait)
                    if done is not None:
                        waiting.append(done)
                    # A batch is what comes within the interval, unless somebody waits for it.
                    until = until or time.monotonic() + self.interval
                    wait = 0.0 if waiting else max(0.0, until - time.monotonic())
            except Empty:
                pass
            self.flush()
            for done in waiting:
                done.set()

    def _wait_for_thread(self, seconds: float) -> bool:
        """Have the thread hand out what waits; whether it had done so after `seconds` at most.

        Not on the calling thread: that may be a destructor, and hold any lock that this takes.
        """
        thread = self._thread
        if thread is None or not thread.is_alive() or thread is _this_thread():
            return False
        done = threading.Event()
        self._wake.put(done)
        return done.wait(seconds)

    def _flush_at_exit(self) -> None:
        # On the bus's thread where there is one: a reader that hangs must not keep us from ending.
        if self.thread_alive and not self._wait_for_thread(_EXIT_SECONDS):
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
        self._rows.row(event.name, event.outcome, event.rule).n += 1
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


def flush_children(util: Any) -> None:
    """Have forked processes of `multiprocessing`, whose module `util` is, write what waits.

    Their end passes `atexit` by.
    """

    def begun(here: Bus) -> None:
        util.Finalize(None, here._flush_at_exit, exitpriority=-100)

    util.register_after_fork(bus, begun)


_NOBODY = context.RequestContext()
"""Stands for the request where there is none."""


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
    request = context.current() or _NOBODY
    trace_id = request.trace_id
    if spans.active is not None and (own := spans.active()) is not None:
        trace_id, details["span_id"] = own
    bus.publish(
        Event(
            time=now(),
            name=name,
            severity=CATALOGUE[name].severity,
            outcome=outcome,
            part=part,
            request_id=request.id,
            trace_id=trace_id,
            client=request.client,
            principal=request.principal if principal is None else principal,
            resource=request.resource,
            reason=reason,
            rule=rule,
            details=details,
        )
    )

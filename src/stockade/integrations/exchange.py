"""One HTTP request and its answer: what every interface between server and application shares.

The context of the request, the limits on its body, and its one access event.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from time import perf_counter_ns
from time import time as _seconds
from typing import NamedTuple

from stockade.core import spans, trace_context
from stockade.core.answered import Answered
from stockade.core.bus import bus, emit
from stockade.core.config import Settings
from stockade.core.context import RequestContext
from stockade.core.errors import Rejected
from stockade.core.events import Outcome
from stockade.core.head import Door, Head, Headers, Refusal, Reply
from stockade.core.inputs import InputLimits
from stockade.core.tally import tally
from stockade.integrations import gate
from stockade.integrations.inflated import accepted, can_undo, documents

__all__ = ["TRACE", "BodyCheck", "Exchange", "Rules", "next_id"]

BodyCheck = Callable[[str, bytes], None]
"""Takes content type and body; raises Rejected for a body that no application should see."""

TRACE = ("traceparent", "tracestate")

_PREFIX = os.urandom(5).hex() + "-"
_counter = itertools.count(1)
_count = _counter.__next__
_before_fork = 0
# Bound once: this runs at the end of every request.
_pending = bus.pending
_keep = _pending.append
NO_CHUNKS: list[bytes] = []  # shared by every request without a body, never written to


def next_id() -> str:
    """An id for a request: unique beyond this process."""
    return _PREFIX + str(_count())


def _begun() -> int:
    """How many ids this process has given out, which is how many requests it has begun to serve."""
    # Its representation is the one thing that tells what a count has come to without taking a step.
    return int(repr(_counter)[len("count(") : -1]) - 1 - _before_fork


tally.started = _begun


def _draw_prefix() -> None:
    global _PREFIX, _before_fork
    _PREFIX = os.urandom(5).hex() + "-"
    _before_fork += _begun()  # those are the parent's to answer


os.register_at_fork(after_in_child=_draw_prefix)  # the workers of a server count on from here


class Rules(NamedTuple):
    """What an exchange has to know of the guard that made it; sizes in bytes."""

    blocks: bool
    max_body: int
    max_inflation_ratio: int
    known_codings: bool
    """Whether a body in a coding that cannot be undone here is refused."""
    input_limits: InputLimits
    check_body: BodyCheck
    headers: tuple[tuple[bytes, bytes], ...]
    headers_on_tls: tuple[tuple[bytes, bytes], ...]
    door: Door | None
    changes_answers: bool
    """Whether the door has to see every answer, not only those that set cookies."""
    judge: Callable[[Head, Headers], Refusal | None] | None
    """Says why an answer may not leave, where the door wants to see them."""
    reader: Door | None
    """The door, where it wants to see bodies and messages."""
    places: gate.Places | None
    body_seconds: float

    @classmethod
    def of(cls, settings: Settings, check_body: BodyCheck, door: Door | None = None) -> Rules:
        """Those that the configuration asks for."""
        request, firewall = settings.request, settings.firewall
        blocks = settings.defence.mode == "block"
        headers = blocks and request.security_headers
        return cls(
            blocks=blocks,
            max_body=request.max_body,
            max_inflation_ratio=request.max_inflation_ratio,
            known_codings=request.unknown_codings == "refuse",
            input_limits=InputLimits(firewall.max_inputs, firewall.max_input_chars),
            check_body=check_body,
            headers=gate.SECURITY_HEADERS if headers else (),
            headers_on_tls=gate.TRANSPORT_HEADERS if headers else (),
            door=door,
            changes_answers=door is not None and door.changes_answers,
            judge=door.judge if door is not None and door.judges_answers else None,
            reader=door if door is not None and door.reads_content else None,
            places=gate.Places(request.max_concurrent) if request.max_concurrent else None,
            body_seconds=request.body_seconds,
        )


class Exchange(RequestContext):
    """One HTTP request and its answer; a subclass for each interface says how they are read."""

    __slots__ = (
        "_rules",
        "_started",
        "answered",
        "chunks",
        "declared",
        "finished",
        "received",
        "sent",
        "status",
    )

    _rules: Rules
    _started: int
    answered: bool
    chunks: list[bytes]
    declared: int
    """Bytes that the answer's body is said to have; below 0 where that is not said."""
    finished: bool
    received: int
    sent: int
    """Bytes of the answer's body so far."""
    status: int

    @property
    def blocks(self) -> bool:
        """Whether what a defence finds is refused, not only reported."""
        return self._rules.blocks

    @property
    def method(self) -> str:
        """The request's method, as it was sent."""
        raise NotImplementedError

    @property
    def path(self) -> str:
        """The request's path, decoded, without the query."""
        raise NotImplementedError

    @property
    def target(self) -> str:
        """Path and query as they were sent, as far as the server tells."""
        raise NotImplementedError

    @property
    def scheme(self) -> str:
        """`http` or `https`, as the server knows it."""
        raise NotImplementedError

    def field(self, name: str) -> list[str]:
        """Every value of the header field `name` (lower case), as sent."""
        raise NotImplementedError

    def identify(self, principal: str) -> None:
        self.principal = principal
        door = self._rules.door
        if door is not None and (refusal := door.identified(self)) is not None:
            self.stop(gate.Breach(*refusal))

    def enter(self, door: Door) -> Reply | gate.Breach | None:
        """What the door says of this request."""
        found = door.enter(self)
        return found if found is None or isinstance(found, Reply) else gate.Breach(*found)

    def content_types(self) -> list[str]:
        """What the body is said to be; where it is said twice (observed only), both."""
        raise NotImplementedError

    def content_coding(self) -> str:
        """The codings that the body is said to have; empty where there are none."""
        raise NotImplementedError

    def take(self, body: bytes) -> None:
        """Count and keep a piece of the body that the application is about to get."""
        limit, before = self._rules.max_body, self.received
        if self._rules.known_codings and not before and not can_undo(self.content_coding()):
            self.stop(gate.coding(accepted()))
        self.received += len(body)
        if self.received <= limit:
            self.chunks.append(body)
        elif self._rules.blocks or before <= limit:  # told once where it is only observed
            self.stop(gate.BODY)
        if self._inputs is not None:
            self.forget_inputs()

    def check_body(self) -> None:
        """Refuse the complete body, where parsers may dispute it or it is inflated to too much."""
        rules = self._rules
        sent = b"".join(self.chunks)
        limit = gate.inflation(len(sent), rules.max_body, rules.max_inflation_ratio)
        for document in documents(sent, self.content_coding(), limit):
            if not document.whole:
                self.stop(gate.BODY if limit == rules.max_body else gate.INFLATION)
                return  # only observed: what was cut off is no document
            try:
                self._check_document(document.body)
            except Rejected as error:
                self.stop(gate.Breach(error.rule, "input_validation_fail", error))
                return

    def _check_document(self, body: bytes) -> None:
        rules = self._rules
        for content_type in self.content_types() or [""]:
            rules.check_body(content_type, body)
            if rules.reader is not None:
                rules.reader.read(self, content_type, body)

    def stop(self, breach: gate.Breach) -> None:
        """Report a broken limit and, where the mode blocks, stop reading."""
        blocks = self._rules.blocks
        emit(
            breach.event,
            Outcome.BLOCKED if blocks else Outcome.OBSERVED,
            "boundary",
            str(breach.error),
            rule=breach.rule,
            received=self.received,
        )
        if blocks:
            self.refuse(breach.error)
            # The error is shared by all requests: without this it would keep each one's frames.
            raise breach.error.with_traceback(None)

    def check_length(self, *, last: bool) -> None:
        """Stop an answer that is longer, or at its end shorter, than it says (RFC 9110, 8.6).

        What is left over, or missing, would be taken for the answer to another request.
        """
        if self.sent > self.declared or (last and self.sent < self.declared):
            self.declared = -1  # told once
            self.stop(gate.ANSWER_LENGTH)

    def continue_trace(self, traceparent: str, tracestate: str = "") -> None:
        """Link the request to its caller's trace (W3C Trace Context), where that is valid."""
        trace = self.trace = trace_context.read(traceparent, tracestate)
        if trace is not None:
            self.trace_id, self.parent_id = trace.trace_id, trace.parent_id

    def note_span(self) -> None:
        """Remember the application's own span of this request, where there is one here and now."""
        if spans.active is not None and not self.span_id and (found := spans.active()) is not None:
            self.trace_id, self.span_id = found

    def finish(self) -> None:
        """Count the request and publish its one access event."""
        if self.finished:
            return
        self.finished = True
        if self._rules.places is not None:
            self._rules.places.leave()
        elapsed = perf_counter_ns() - self._started
        status, resource = self.status, self.resource
        try:
            row = tally.rows[status][resource]
        except KeyError:
            row = tally.row(status, resource)
        row.observe(elapsed)
        self.note(elapsed, resource)

    def note(self, elapsed: int, resource: str) -> None:
        """Queue the access event; `elapsed` nanoseconds."""
        if spans.active is not None:
            self.note_span()
        if len(_pending) >= bus.capacity:
            bus.dropped["telemetry"] += 1
            return
        _keep(
            Answered(
                _seconds(),
                elapsed,
                self.status,
                self.sent,
                self.refusal is not None,
                self.method,
                resource,
                self.id,
                self.trace_id,
                self.client,
                self.principal,
                self.span_id,
                self.parent_id,
            )
        )
        if not bus.armed:
            bus.arm()

"""The current request: who asks, and every untrusted value it brought, read when asked for.

A context variable carries it through tasks, `to_thread` and async generators; `core.propagation`
carries it through executors and threads.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from stockade.core.errors import Problem, StockadeError

if TYPE_CHECKING:
    from stockade.core.inputs import Inputs
    from stockade.core.trace_context import TraceContext

__all__ = ["RequestContext", "current", "running", "variable"]

variable: contextvars.ContextVar[RequestContext | None] = contextvars.ContextVar(
    "stockade_request", default=None
)

current = variable.get
"""The request that the calling code works for, or None outside any request."""


class RequestContext:
    """One request, or one unit of work that carries untrusted input.

    Integrations subclass it: they say how inputs are read (`read_inputs`), and they answer with
    `refusal` when it is set. A refusal is sticky: an application that swallows the exception which
    carried it still gives the refusal as its answer.
    """

    __slots__ = (
        "__weakref__",
        "_inputs",
        "_prepared",
        "client",
        "id",
        "nonce",
        "parent_id",
        "principal",
        "refusal",
        "span_id",
        "trace",
        "trace_id",
    )

    id: str
    client: str
    nonce: str
    """What this answer's Content-Security-Policy lets scripts run by; empty until asked for."""
    parent_id: str
    """The caller's span, of its `traceparent`; empty where it sent none."""
    principal: str
    span_id: str
    """The application's own span of this request; empty where it has none."""
    trace: TraceContext | None
    """What the caller said of its trace; None where it said nothing valid."""
    trace_id: str
    refusal: Problem | None

    def __init__(self, id: str = "", client: str = "") -> None:
        self.id = id
        self.client = client
        self.principal = self.nonce = ""
        self.trace_id = self.span_id = self.parent_id = ""
        self.refusal = None
        self.trace = None
        self._prepared: dict[str, tuple[Any, ...]] | None = None
        self._inputs: Inputs | None = None

    @property
    def resource(self) -> str:
        """The route template, never the raw path; empty where there is none (yet)."""
        return ""

    @property
    def prepared(self) -> dict[str, tuple[Any, ...]] | None:
        """What each firewall grammar derived from the inputs, made at the first sink."""
        return self._prepared

    @prepared.setter
    def prepared(self, values: dict[str, tuple[Any, ...]] | None) -> None:
        self._prepared = values

    @property
    def inputs(self) -> Inputs:
        """Every untrusted value of this request, read and decoded at the first call."""
        inputs = self._inputs
        if inputs is None:
            inputs = self._inputs = self.read_inputs()
        return inputs

    def read_inputs(self) -> Inputs:
        """Collect the inputs; called at the first sink, and again once `forget_inputs` was."""
        raise NotImplementedError

    def forget_inputs(self) -> None:
        """More of the request has arrived: what was read of it is no longer everything."""
        self._inputs = self._prepared = None

    def identify(self, principal: str) -> None:
        """Say who asks, an account's id. Raises Throttled where a limit for it is exceeded."""
        self.principal = principal

    def refuse(self, error: StockadeError) -> None:
        """Make `error` the answer to this request, whatever the application does with it."""
        if self.refusal is None:
            self.refusal = error.problem()


@contextmanager
def running(request: RequestContext) -> Iterator[RequestContext]:
    """Work for `request` inside the block: for jobs, consumers of queues and tests."""
    token = variable.set(request)
    try:
        yield request
    finally:
        variable.reset(token)


def start_outside_request(thread: threading.Thread) -> None:
    """Start a thread that serves the whole process, so that it belongs to no request."""
    token = variable.set(None)
    try:
        thread.start()
    finally:
        variable.reset(token)

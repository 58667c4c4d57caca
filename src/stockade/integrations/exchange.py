"""One HTTP request and its answer, for ASGI: context, `receive` and `send` in one object.

A layer or an object more would cost more than the checks themselves.
"""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from time import perf_counter_ns
from typing import Any, NamedTuple, TypeAlias

from stockade.core.bus import bus, emit
from stockade.core.context import RequestContext
from stockade.core.errors import Rejected, StockadeError
from stockade.core.events import Event, Outcome, Severity
from stockade.core.inputs import InputLimits, Inputs, Source
from stockade.core.tally import tally
from stockade.integrations import gate
from stockade.integrations.body import add_body

__all__ = ["App", "BodyCheck", "Exchange", "Message", "Receive", "Rules", "Scope", "Send"]

Message: TypeAlias = MutableMapping[str, Any]
Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
BodyCheck = Callable[[str, bytes], None]
"""Takes content type and body; raises Rejected for a body that no application should see."""

_PREFIX = os.urandom(5).hex() + "-"
_count = itertools.count(1).__next__
_NAMES = [name for name, _ in gate.TRANSPORT_HEADERS]
# ASGI asks for lower case; some applications write these as books do.
_OWN_NAMES = frozenset(_NAMES) | frozenset(name.title() for name in _NAMES)
# Bound once: an attribute of an enumeration or of a module costs more than the call itself.
_INFO, _ALLOWED = Severity.INFO, Outcome.ALLOWED
_BLOCKED, _FAILED = Outcome.BLOCKED, Outcome.FAILED
_now = datetime.now
_pending = bus.pending
_keep = _pending.append
_NO_CHUNKS: list[bytes] = []  # shared by every request without a body, never written to


class Rules(NamedTuple):
    """What an exchange has to know of the guard that made it; sizes in bytes."""

    blocks: bool
    max_body: int
    input_limits: InputLimits
    check_body: BodyCheck
    headers: tuple[tuple[bytes, bytes], ...]
    headers_on_tls: tuple[tuple[bytes, bytes], ...]


class Exchange(RequestContext):
    """One HTTP request and its answer."""

    __slots__ = (
        "_parameters",
        "_rules",
        "_send",
        "_size",
        "_started",
        "answered",
        "chunks",
        "fields",
        "finished",
        "messages",
        "received",
        "scope",
        "server_receive",
        "status",
    )

    def __init__(
        self,
        rules: Rules,
        scope: Scope,
        send: Send,
        client: str,
        fields: dict[bytes, bytes],
        started: int,
    ) -> None:
        self.id = _PREFIX + str(_count())
        self.client = client
        self.principal = self.trace_id = ""
        self.refusal = self._inputs = None
        self._prepared: dict[str, tuple[Any, ...]] | None = None
        self._parameters: object = None
        self.scope = scope
        self.fields = fields
        self.status = self.received = self._size = 0
        self._rules = rules
        self._send = send
        self._started = started
        self.answered = self.finished = False
        self.server_receive: Receive | None = None
        self.chunks: list[bytes] = _NO_CHUNKS
        self.messages: deque[bytes] | None = None

    @property
    def resource(self) -> str:
        route = self.scope.get("route")
        return getattr(route, "path", "") if route is not None else ""

    @property
    def prepared(self) -> dict[str, tuple[Any, ...]] | None:
        """As the context's; forgotten once routing has found the parameters of the path."""
        if self.scope.get("path_params") is not self._parameters:
            self.forget_inputs()
        return self._prepared

    @prepared.setter
    def prepared(self, values: dict[str, tuple[Any, ...]] | None) -> None:
        self._prepared = values

    # -- what comes in ---------------------------------------------------------------------------

    async def receive(self) -> Message:
        """The server's `receive`: the body counted, kept for the firewall, checked at its end."""
        if self.server_receive is None:
            raise RuntimeError("this exchange was made for a request that cannot have a body")
        message = await self.server_receive()
        if message["type"] == "http.request":
            body = message.get("body", b"")
            if body:
                limit, before = self._rules.max_body, self.received
                self.received += len(body)
                if self.received <= limit:
                    self.chunks.append(body)
                elif self._rules.blocks or before <= limit:  # told once where it is only observed
                    self.stop(gate.BODY)
                if self._inputs is not None:
                    self.forget_inputs()
            if not message.get("more_body", False):
                self._check_body()
        return message

    def _check_body(self) -> None:
        try:
            body = b"".join(self.chunks)
            for content_type in self._content_types():
                self._rules.check_body(content_type, body)
        except Rejected as error:
            self.stop(gate.Breach(error.rule, "input_validation_fail", error))

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
            raise breach.error

    def _content_types(self) -> list[str]:
        """What the body is said to be; where it is said twice (observed only), both."""
        return [
            value.decode("latin-1")
            for name, value in self.scope["headers"]
            if name == b"content-type"
        ]

    def read_inputs(self) -> Inputs:
        """Everything that this request has brought so far."""
        inputs = Inputs(self._rules.input_limits)
        scope = self.scope
        self._parameters = scope.get("path_params")
        path = scope["path"]
        inputs.add_path(path, scope.get("raw_path", b"").decode("latin-1"))
        for name, value in scope.get("path_params", {}).items():
            inputs.add(Source.PATH, name, str(value))
        inputs.add_query(Source.QUERY, scope.get("query_string", b"").decode("latin-1"))
        for raw_name, raw_value in scope["headers"]:
            if raw_name == b"cookie":
                inputs.add_cookies(raw_value.decode("latin-1"))
            else:
                inputs.add_header(raw_name.decode("latin-1"), raw_value.decode("latin-1"))
        if self.received:
            body = b"".join(self.chunks)
            for content_type in self._content_types() or [""]:
                add_body(inputs, content_type, body)
        for message in self.messages or ():
            add_body(inputs, "", message)
        return inputs

    # -- what goes out ---------------------------------------------------------------------------

    def send(self, message: Message) -> Awaitable[None]:
        """The server's `send`; once the request is refused, the refusal is what is sent."""
        kind = message["type"]
        if self.refusal is not None:
            return self._send_refusal(kind)
        if kind == "http.response.start":
            self.answered = True
            self.status = message["status"]
            if self._rules.headers:
                headers = message.get("headers", ())
                for name, _ in headers:
                    if name in _OWN_NAMES:
                        message["headers"] = _merge(headers, self._headers())
                        break
                else:
                    message["headers"] = [*headers, *self._headers()]
        elif kind == "http.response.body":
            self._size += len(message.get("body", b""))
            if not message.get("more_body", False):
                self.finish()
        return self._send(message)

    def _headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """The security headers of the answer."""
        rules = self._rules
        return rules.headers_on_tls if self.scope.get("scheme") == "https" else rules.headers

    async def _send_refusal(self, kind: str) -> None:
        if not self.answered:
            await self.answer_refusal()
        elif self.status != getattr(self.refusal, "status", 0):
            # Too late to answer anything else: cut the answer short rather than let it go on.
            raise StockadeError("the request was refused while its answer was being sent")

    async def answer_refusal(self) -> None:
        """Send the refusal as a problem document."""
        if self.answered or self.refusal is None:
            return
        self.answered = True
        self.status, headers, body = gate.answer(self.refusal, self.id)
        headers += self._headers()
        self._size = len(body)
        await self._send({"type": "http.response.start", "status": self.status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})
        self.finish()

    def finish(self) -> None:
        """Count the request and publish its one access event."""
        if self.finished:
            return
        self.finished = True
        elapsed = perf_counter_ns() - self._started
        scope, status = self.scope, self.status
        try:
            resource = scope["route"].path
        except (KeyError, AttributeError):
            resource = ""
        try:
            row = tally.rows[status][resource]
        except KeyError:
            row = tally.row(status, resource)
        row.observe(elapsed)
        method = scope["method"]
        if len(_pending) >= bus.capacity:
            bus.dropped["telemetry"] += 1
            return
        outcome = _ALLOWED if status < 500 else _FAILED
        if self.refusal is not None:
            outcome = _BLOCKED
        _keep(
            Event(
                time=_now(UTC),
                name="http_request",
                severity=_INFO,
                outcome=outcome,
                part="watch",
                request_id=self.id,
                trace_id=self.trace_id,
                client=self.client,
                principal=self.principal,
                resource=resource,
                details={
                    "method": method if method in gate.METHODS else "other",
                    "status": status,
                    "duration_us": elapsed // 1000,
                    "bytes": self._size,
                },
            )
        )
        if not bus.armed:
            bus.arm()


def _merge(headers: Any, security: tuple[tuple[bytes, bytes], ...]) -> list[tuple[bytes, bytes]]:
    """The application's headers, and those of ours that it does not send itself."""
    own = list(headers)
    present = {name.lower() for name, _ in own}
    return own + [header for header in security if header[0] not in present]

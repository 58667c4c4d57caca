"""ASGI: a plain function that returns the application's coroutine, and one object a request.

The object is the request's context and wraps `send` (and `receive`, if there can be a body) at the
same time, because each further layer or object would cost more than the checks themselves.
"""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from time import perf_counter_ns
from typing import Any, TypeAlias

from stockade.core.bus import bus, emit
from stockade.core.config import Settings
from stockade.core.context import RequestContext, variable
from stockade.core.errors import Rejected, StockadeError
from stockade.core.events import Event, Outcome, Severity
from stockade.core.inputs import InputLimits, Inputs, Source
from stockade.core.network import TrustedProxies
from stockade.core.tally import tally
from stockade.integrations import gate
from stockade.integrations.body import add_body

__all__ = ["BodyCheck", "Exchange", "Guard"]

Message: TypeAlias = MutableMapping[str, Any]
Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
BodyCheck = Callable[[str, bytes], None]
"""Takes content type and body; raises Rejected for a body that no application should see."""

_PREFIX = os.urandom(5).hex() + "-"
_count = itertools.count(1).__next__
_set_current = variable.set
_SECURITY = gate.SECURITY_HEADERS
_TRANSPORT = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")
_NAMES = (*(name for name, _ in _SECURITY), _TRANSPORT[0])
# ASGI asks for lower case; some applications write these as books do.
_OWN_NAMES = frozenset(_NAMES) | frozenset(name.title() for name in _NAMES)
# Bound once: an attribute of an enumeration or of a module costs more than the call itself.
_INFO, _ALLOWED = Severity.INFO, Outcome.ALLOWED
_BLOCKED, _FAILED = Outcome.BLOCKED, Outcome.FAILED
_now = datetime.now
_pending = bus.pending
_keep = _pending.append
_MESSAGES = 64  # of a WebSocket, the latest: an older one is a stored value
_NO_CHUNKS: list[bytes] = []  # shared by every request without a body, never written to


class Exchange(RequestContext):
    """One HTTP request and its answer."""

    __slots__ = (
        "_answered",
        "_chunks",
        "_finished",
        "_guard",
        "_parameters",
        "_prepared",
        "_receive",
        "_send",
        "_size",
        "_started",
        "fields",
        "messages",
        "received",
        "scope",
        "status",
    )

    def __init__(
        self,
        guard: Guard,
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
        self._guard = guard
        self._send = send
        self._started = started
        self._answered = self._finished = False
        self._receive: Receive | None = None
        self._chunks: list[bytes] = _NO_CHUNKS
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
        if self._receive is None:
            raise RuntimeError("this exchange was made for a request that cannot have a body")
        message = await self._receive()
        if message["type"] == "http.request":
            body = message.get("body", b"")
            if body:
                self.received += len(body)
                if self.received > self._guard.max_body:
                    self._refuse(gate.BODY)
                else:
                    self._chunks.append(body)
                if self._inputs is not None:
                    self.forget_inputs()
            if not message.get("more_body", False):
                self._check_body()
        return message

    def _check_body(self) -> None:
        try:
            body = b"".join(self._chunks)
            for content_type in self._content_types():
                self._guard.check_body(content_type, body)
        except Rejected as error:
            self._refuse(gate.Breach(error.rule, "input_validation_fail", error))

    def _refuse(self, breach: gate.Breach) -> None:
        """Report a broken limit and, where the mode blocks, stop reading."""
        blocks = self._guard.blocks
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
        inputs = Inputs(self._guard.input_limits)
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
            body = b"".join(self._chunks)
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
            self._answered = True
            self.status = message["status"]
            if self._guard.security_headers:
                headers = message.get("headers", ())
                for name, _ in headers:
                    if name in _OWN_NAMES:
                        message["headers"] = _merge(headers)
                        break
                else:
                    message["headers"] = [*headers, *self._guard.headers_for(self.scope)]
        elif kind == "http.response.body":
            self._size += len(message.get("body", b""))
            if not message.get("more_body", False):
                self.finish()
        return self._send(message)

    async def _send_refusal(self, kind: str) -> None:
        if not self._answered:
            await self.answer_refusal()
        elif self.status != getattr(self.refusal, "status", 0):
            # Too late to answer anything else: cut the answer short rather than let it go on.
            raise StockadeError("the request was refused while its answer was being sent")

    async def answer_refusal(self) -> None:
        """Send the refusal as a problem document."""
        if self._answered or self.refusal is None:
            return
        self._answered = True
        self.status, headers, body = gate.answer(self.refusal, self.id)
        headers += self._guard.headers_for(self.scope)
        self._size = len(body)
        await self._send({"type": "http.response.start", "status": self.status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})
        self.finish()

    def finish(self) -> None:
        """Count the request and publish its one access event."""
        if self._finished:
            return
        self._finished = True
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


def _merge(headers: Any) -> list[tuple[bytes, bytes]]:
    """The application's headers, and those of ours that it does not send itself."""
    own = list(headers)
    present = {name.lower() for name, _ in own}
    return own + [header for header in _SECURITY if header[0] not in present]


class Guard:
    """An ASGI application around another one."""

    def __init__(self, app: App, settings: Settings, check_body: BodyCheck) -> None:
        request, firewall = settings.request, settings.firewall
        self.app = app
        self.mode = settings.defence.mode
        self.blocks = self.mode == "block"
        self.check_body = check_body
        self.max_body = request.max_body
        self.security_headers = request.security_headers and self.blocks
        self.input_limits = InputLimits(firewall.max_inputs, firewall.max_input_chars)
        self._limits = request
        self._check = gate.HeaderCheck(request)
        self._served = self._check.served if request.hosts else None
        self._allow = gate.RateLimit(request.rate, request.burst) if request.rate else None
        proxies = TrustedProxies(request.trusted_proxies)
        self._proxies = proxies or None

    def headers_for(self, scope: Scope) -> tuple[tuple[bytes, bytes], ...]:
        """The security headers of an answer."""
        if not self.security_headers:
            return ()
        return (*_SECURITY, _TRANSPORT) if scope.get("scheme") == "https" else _SECURITY

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one connection: HTTP guarded, WebSocket with its handshake as input."""
        if scope["type"] != "http":
            return self._other(scope, receive, send)
        started = perf_counter_ns()
        peer = scope["client"]
        client = peer[0] if peer else ""
        headers = scope["headers"]
        fields = dict(headers)
        if self._proxies is not None:
            client = self._proxies.client(
                client, fields.get(b"x-forwarded-for", b"").decode("latin-1")
            )
        exchange = Exchange(self, scope, send, client, fields, started)
        if b"traceparent" in fields:
            exchange.trace_id = _trace_id(fields[b"traceparent"])
        _set_current(exchange)
        path_size, query_size = (
            len(scope.get("raw_path") or scope["path"]),
            len(scope["query_string"]),
        )
        limits = self._limits
        breach = None
        if (
            (self._served is not None and fields.get(b"host") not in self._served)
            or len(fields) != len(headers)
            or len(headers) > limits.max_headers
            or path_size > limits.max_path
            or query_size > limits.max_query
            or scope["method"] not in gate.METHODS
            or sum(map(len, fields.values())) > limits.max_header_bytes // 2
        ):
            breach = self._check(scope["method"], path_size, query_size, headers)
        if self._allow is not None and not self._allow(client, started):
            breach = breach or gate.RATE
        if (
            b"content-length" in fields
            or b"transfer-encoding" in fields
            or scope["http_version"] >= "2"
        ):
            exchange._receive, exchange._chunks = receive, []
            receive = exchange.receive
            breach = breach or self._declared_length(fields)
        if breach is not None and self._stops(exchange, breach):
            return exchange.answer_refusal()
        return self._run(scope, receive, exchange)

    def _declared_length(self, fields: dict[bytes, bytes]) -> gate.Breach | None:
        length = fields.get(b"content-length")
        if length is None:
            return None
        if not length.isdigit():
            return gate.LENGTH
        return gate.BODY if int(length) > self.max_body else None

    def _stops(self, exchange: Exchange, breach: gate.Breach) -> bool:
        try:
            exchange._refuse(breach)
        except StockadeError:
            return True
        return False

    async def _run(self, scope: Scope, receive: Receive, exchange: Exchange) -> None:
        try:
            await self.app(scope, receive, exchange.send)
        except Exception as error:
            if isinstance(error, StockadeError):
                exchange.refuse(error)
            if exchange.refusal is None or (exchange._answered and not exchange._finished):
                exchange.status = exchange.status or 500
                raise
            await exchange.answer_refusal()
        finally:
            if not exchange._finished:
                exchange.finish()

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
            return
        try:
            await self.app(scope, receive, send)
        finally:
            # Some servers end by a signal right after the lifespan: nothing may wait until then.
            if scope["type"] == "lifespan":
                emit("sys_shutdown", Outcome.ALLOWED, "app", "The application has stopped.")
                bus.flush()

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        peer = scope.get("client")
        socket = Exchange(self, scope, send, peer[0] if peer else "", dict(scope["headers"]), 0)
        socket._receive = receive
        socket.messages = deque(maxlen=_MESSAGES)

        async def receive_message() -> Message:
            message = await receive()
            if message["type"] == "websocket.receive" and socket.messages is not None:
                text = message.get("text")
                socket.messages.append(text.encode() if text is not None else message["bytes"])
                socket.forget_inputs()
            return message

        token = _set_current(socket)
        try:
            await self.app(scope, receive_message, send)
        finally:
            variable.reset(token)


def _trace_id(header: bytes) -> str:
    """The trace id of a `traceparent` (W3C Trace Context, 3.2): a link, never an identity."""
    trace = header[3:35]
    valid = (
        len(header) >= 55
        and header[2:3] == b"-"
        and trace.isalnum()
        and trace.islower() | trace.isdigit()
    )
    return trace.decode("ascii") if valid else ""

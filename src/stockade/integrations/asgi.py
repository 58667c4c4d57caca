"""ASGI: a plain function that returns the application's coroutine, and one object a request."""

from __future__ import annotations

from collections.abc import Awaitable
from time import perf_counter_ns

from stockade.core.bus import bus, emit
from stockade.core.config import Settings
from stockade.core.context import variable
from stockade.core.errors import StockadeError
from stockade.core.events import Outcome
from stockade.core.inputs import InputLimits
from stockade.core.network import TrustedProxies
from stockade.integrations import gate, websocket
from stockade.integrations.exchange import App, BodyCheck, Exchange, Receive, Rules, Scope, Send

__all__ = ["Guard"]


class Guard:
    """An ASGI application around another one."""

    def __init__(self, app: App, settings: Settings, check_body: BodyCheck) -> None:
        request, firewall = settings.request, settings.firewall
        self.app = app
        blocks = settings.defence.mode == "block"
        headers = blocks and request.security_headers
        self._rules = Rules(
            blocks=blocks,
            max_body=request.max_body,
            input_limits=InputLimits(firewall.max_inputs, firewall.max_input_chars),
            check_body=check_body,
            headers=gate.SECURITY_HEADERS if headers else (),
            headers_on_tls=gate.TRANSPORT_HEADERS if headers else (),
        )
        self._limits = request
        self._check = gate.HeaderCheck(request)
        self._served = self._check.served if request.hosts else None
        self._allow = gate.RateLimit(request.rate, request.burst) if request.rate else None
        proxies = TrustedProxies(request.trusted_proxies)
        self._proxies = proxies or None

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
        exchange = Exchange(self._rules, scope, send, client, fields, started)
        if b"traceparent" in fields:
            exchange.trace_id = _trace_id(fields[b"traceparent"])
        variable.set(exchange)
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
            exchange.server_receive, exchange.chunks = receive, []
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
        return gate.BODY if int(length) > self._rules.max_body else None

    def _stops(self, exchange: Exchange, breach: gate.Breach) -> bool:
        try:
            exchange.stop(breach)
        except StockadeError:
            return True
        return False

    async def _run(self, scope: Scope, receive: Receive, exchange: Exchange) -> None:
        try:
            await self.app(scope, receive, exchange.send)
        except Exception as error:
            if isinstance(error, StockadeError):
                exchange.refuse(error)
            if exchange.refusal is None or (exchange.answered and not exchange.finished):
                exchange.status = exchange.status or 500
                raise
            await exchange.answer_refusal()
        finally:
            if not exchange.finished:
                exchange.finish()

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await websocket.serve(self.app, self._rules, scope, receive, send)
            return
        try:
            await self.app(scope, receive, send)
        finally:
            # Some servers end by a signal right after the lifespan: nothing may wait until then.
            if scope["type"] == "lifespan":
                emit("sys_shutdown", Outcome.ALLOWED, "app", "The application has stopped.")
                bus.flush()


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

"""ASGI: a plain function that returns the application's coroutine, and one object a request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from time import perf_counter_ns

from stockade.core.bus import bus, emit
from stockade.core.config import Settings
from stockade.core.context import variable
from stockade.core.errors import StockadeError
from stockade.core.events import Outcome
from stockade.core.head import Door, Reply
from stockade.core.network import TrustedProxies
from stockade.integrations import gate, websocket
from stockade.integrations.asgi_exchange import App, AsgiExchange, Receive, Scope, Send
from stockade.integrations.deadline import Deadline
from stockade.integrations.exchange import TRACE, BodyCheck, Rules
from stockade.integrations.http2 import Http2Exchange, malformed
from stockade.integrations.reports import Reports

__all__ = ["Guard", "Outermost"]


class Guard:
    """An ASGI application around another one."""

    def __init__(
        self, app: App, settings: Settings, check_body: BodyCheck, door: Door | None = None
    ) -> None:
        request = settings.request
        self.app = app if door is None or not door.report_path else Reports(app, door)
        self.stockade: object = None
        self._rules = Rules.of(settings, check_body, door)
        self._door = door
        self._asks_all = door is not None and door.asks_all
        self._seconds = request.max_seconds
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
        modern = scope["http_version"] >= "2"
        kind = Http2Exchange if modern else AsgiExchange
        exchange = kind(self._rules, scope, send, client, fields, started)
        if b"traceparent" in fields:
            exchange.continue_trace(*(",".join(exchange.field(name)) for name in TRACE))
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
        if modern:
            breach = breach or malformed(headers)
        if self._allow is not None and not self._allow(client, started):
            breach = breach or gate.RATE
        if modern or b"content-length" in fields or b"transfer-encoding" in fields:
            exchange.server_receive, exchange.chunks = receive, []
            receive = exchange.receive
            breach = breach or self._declared_length(fields)
        places = self._rules.places
        if places is not None and not places.enter():
            breach = breach or gate.BUSY
        # Only browsers send these fields; most of their requests are GETs of our own pages.
        if breach is None and (
            self._asks_all
            or b"origin" in fields
            or (b"sec-fetch-site" in fields and scope["method"] != "GET")
        ):
            answer = None if self._door is None else exchange.enter(self._door)
            if isinstance(answer, Reply):
                return exchange.reply(answer)
            breach = answer
        if breach is not None and self._stops(exchange, breach):
            return exchange.answer_refusal()
        return self._run(scope, receive, exchange)

    def _declared_length(self, fields: dict[bytes, bytes]) -> gate.Breach | None:
        length = fields.get(b"content-length")
        if length is None:
            return None
        if b"transfer-encoding" in fields:
            return gate.FRAMING
        if not length.isdigit():
            return gate.LENGTH
        return gate.BODY if int(length) > self._rules.max_body else None

    def _stops(self, exchange: AsgiExchange, breach: gate.Breach) -> bool:
        try:
            exchange.stop(breach)
        except StockadeError:
            return True
        return False

    async def _run(self, scope: Scope, receive: Receive, exchange: AsgiExchange) -> None:
        try:
            if self._seconds:
                await self._serve_in_time(scope, receive, exchange)
            else:
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

    async def _serve_in_time(self, scope: Scope, receive: Receive, exchange: AsgiExchange) -> None:
        deadline = exchange.deadline = Deadline(self._seconds)
        try:
            await self.app(scope, receive, exchange.send)
        except asyncio.CancelledError:
            if not deadline.took():
                raise
            self._stops(exchange, gate.TOO_SLOW)
            exchange.refuse(gate.TOO_SLOW.error)
            await exchange.answer_refusal()
        finally:
            deadline.stop()

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await websocket.serve(self.app, self._rules, scope, receive, send)
            return
        bus.ends = False
        try:
            await self.app(scope, receive, send)
        finally:
            # Some servers end by a signal right after the lifespan: nothing may wait until then.
            if scope["type"] == "lifespan":
                emit("sys_shutdown", Outcome.ALLOWED, "app", "The application has stopped.")
                bus.flush()
                bus.ends = True


class Outermost(Guard):
    """The same for servers: they take only what is a coroutine function for an ASGI application."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        await super().__call__(scope, receive, send)

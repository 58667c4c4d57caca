"""One HTTP request and its answer, for ASGI: context, `receive` and `send` in one object.

A layer or an object more would cost more than the checks themselves.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias
from urllib.parse import quote

from stockade.core import spans
from stockade.core.errors import StockadeError
from stockade.core.head import Reply
from stockade.core.inputs import Inputs, Source
from stockade.integrations import gate
from stockade.integrations.body import add_body
from stockade.integrations.deadline import BodyDeadline, Deadline
from stockade.integrations.exchange import NO_CHUNKS, Exchange, Rules, next_id

__all__ = ["App", "AsgiExchange", "Message", "Receive", "Scope", "Send"]

Message: TypeAlias = MutableMapping[str, Any]
Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

_NAMES = [*(name for name, _ in gate.TRANSPORT_HEADERS), b"set-cookie"]
# ASGI asks for lower case; some applications write these as books do.
_OWN_NAMES = frozenset(_NAMES) | frozenset(name.title() for name in _NAMES)
_LENGTH = frozenset((b"content-length", b"Content-Length"))
_BODILESS = frozenset((204, 304))


class AsgiExchange(Exchange):
    """One HTTP request over ASGI and its answer."""

    __slots__ = (
        "_parameters",
        "_send",
        "body_deadline",
        "deadline",
        "fields",
        "messages",
        "scope",
        "server_receive",
        "whole",
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
        self.id = next_id()
        self.client = client
        self.principal = self.trace_id = self.span_id = self.parent_id = self.nonce = ""
        self.refusal = self._inputs = self.trace = None
        self._prepared: dict[str, tuple[Any, ...]] | None = None
        self._parameters: object = None
        self.scope = scope
        self.fields = fields
        self.status = self.received = self.sent = 0
        self.declared = -1
        self._rules = rules
        self._send = send
        self._started = started
        self.answered = self.finished = False
        self.server_receive: Receive | None = None
        self.chunks = NO_CHUNKS
        self.messages: deque[bytes] | None = None
        self.body_deadline: BodyDeadline | None = None
        self.deadline: Deadline | None = None
        self.whole = False

    @property
    def resource(self) -> str:
        route = self.scope.get("route")
        return getattr(route, "path", "") if route is not None else ""

    @property
    def method(self) -> str:
        method: str = self.scope.get("method", "GET")  # a WebSocket's handshake is one
        return method

    @property
    def path(self) -> str:
        path: str = self.scope["path"]
        return path

    @property
    def target(self) -> str:
        path: bytes = self.scope.get("raw_path") or quote(self.scope["path"]).encode()
        query: bytes = self.scope.get("query_string", b"")
        return (path + b"?" * bool(query) + query).decode("latin-1")

    @property
    def scheme(self) -> str:
        scheme: str = self.scope.get("scheme", "http")
        return scheme

    def field(self, name: str) -> list[str]:
        wanted = name.encode()
        if wanted not in self.fields:
            return []
        headers = self.scope["headers"]
        return [value.decode("latin-1") for each, value in headers if each == wanted]

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
        if self._rules.body_seconds:
            message = await self._receive_in_time(self.server_receive)
        else:
            message = await self.server_receive()
        if message["type"] == "http.request":
            body = message.get("body", b"")
            if body:
                self.take(body)
            if not message.get("more_body", False):
                self.check_body()
        return message

    async def _receive_in_time(self, receive: Receive) -> Message:
        if self.whole:  # what comes now is the end of the connection: it may take its time
            return await receive()
        deadline = self.body_deadline
        if deadline is None:
            deadline = self.body_deadline = BodyDeadline(self._rules.body_seconds)
        deadline.wait()
        try:
            message = await receive()
        except asyncio.CancelledError:
            if not deadline.took():
                raise
            self.whole = True
            self.stop(gate.BODY_TIME)
            return await receive()  # only observed: it goes on without a limit
        deadline.came(len(message.get("body", b"")))
        if not message.get("more_body", False):
            self.whole = True
            deadline.stop()
        return message

    def content_types(self) -> list[str]:
        return self.field("content-type")

    def content_coding(self) -> str:
        return self.fields.get(b"content-encoding", b"").decode("latin-1")

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
        inputs.add_headers(scope["headers"])
        if self.received:
            body = b"".join(self.chunks)
            coding = self.content_coding()
            for content_type in self.content_types() or [""]:
                add_body(inputs, content_type, body, coding)
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
            self.status = message["status"]
            if spans.active is not None:
                self.note_span()
            if self.deadline is not None:
                self.deadline.stop()
            rules = self._rules
            headers = message.get("headers", ())
            self._declare(headers)
            if rules.headers or rules.changes_answers:
                if rules.changes_answers:
                    message["headers"] = self._dressed(headers)
                else:
                    for name, _ in headers:
                        if name in _OWN_NAMES:
                            message["headers"] = self._dressed(headers)
                            break
                    else:
                        message["headers"] = [*headers, *self._headers()]
            self.answered = True
        elif kind == "http.response.body":
            self.sent += len(message.get("body", b""))
            last = not message.get("more_body", False)
            if self.declared >= 0 and self.sent != self.declared and self.method != "HEAD":
                self.check_length(last=last)
            if last:
                self.finish()
        return self._send(message)

    def _declare(self, headers: Any) -> None:
        """Note how long the answer's body is said to be."""
        for name, value in headers:
            if name in _LENGTH and self.status not in _BODILESS and value.isdigit():
                self.declared = int(value)

    def _dressed(self, headers: Any) -> list[tuple[bytes, bytes]]:
        """The application's headers, what the door makes of them, and the security headers."""
        dressed = _merge(headers, self._headers())
        judge, door = self._rules.judge, self._rules.door
        if judge is not None and self.refusal is None:
            refusal = judge(self, dressed)
            if refusal is not None:
                self.stop(gate.Breach(*refusal))
        return dressed if door is None else door.leave(self, dressed)

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
        await self._answer(*gate.answer(self.refusal, self.id))

    async def reply(self, reply: Reply) -> None:
        """Send an answer in the application's place."""
        await self._answer(reply.status, reply.headers, reply.body)

    async def _answer(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self.answered = True
        self.status = status
        headers = [*headers, *self._headers()]
        if self.refusal is not None and self._rules.changes_answers:
            headers = self._dressed(headers)  # a page that may read answers may read this one
        self.sent = len(body)
        await self._send({"type": "http.response.start", "status": self.status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})
        self.finish()


def _merge(headers: Any, security: tuple[tuple[bytes, bytes], ...]) -> list[tuple[bytes, bytes]]:
    """The application's headers, and those of ours that it does not send itself."""
    own = list(headers)
    present = {name.lower() for name, _ in own}
    return own + [header for header in security if header[0] not in present]

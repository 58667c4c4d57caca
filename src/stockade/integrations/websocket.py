"""WebSockets over ASGI: the handshake and the latest messages are untrusted inputs."""

from __future__ import annotations

from collections import deque
from time import perf_counter_ns

from stockade.core.context import variable
from stockade.core.errors import Rejected, StockadeError
from stockade.core.head import Door, Refusal
from stockade.core.tally import tally
from stockade.integrations.asgi_exchange import (
    App,
    AsgiExchange,
    Message,
    Receive,
    Scope,
    Send,
)
from stockade.integrations.exchange import TRACE, Rules
from stockade.integrations.http2 import malformed

__all__ = ["serve"]

_AGAINST_POLICY = 1008  # RFC 6455, 7.4.1
_ANSWERS = {"websocket.accept": 101, "websocket.close": 403}
_MESSAGES = 64  # the latest; what an older one left behind is a stored value


async def serve(app: App, rules: Rules, scope: Scope, receive: Receive, send: Send) -> None:
    """Run `app` for one connection, its sinks guarded; the handshake is one access event."""
    peer, started = scope.get("client"), perf_counter_ns()
    fields = dict(scope["headers"])
    socket = AsgiExchange(rules, scope, send, peer[0] if peer else "", fields, started)
    if b"traceparent" in fields:
        socket.continue_trace(*(",".join(socket.field(name)) for name in TRACE))
    socket.server_receive = receive
    socket.messages = deque(maxlen=_MESSAGES)

    async def receive_message() -> Message:
        message = await receive()
        if message["type"] == "websocket.receive" and socket.messages is not None:
            text = message.get("text")
            content = text if text is not None else message["bytes"]
            if rules.reader is not None and not _takes(rules.reader, socket, content):
                await send({"type": "websocket.close", "code": _AGAINST_POLICY})
                return {"type": "websocket.disconnect", "code": _AGAINST_POLICY}
            socket.messages.append(text.encode() if text is not None else message["bytes"])
            socket.forget_inputs()
        return message

    handshake = _Handshake(socket, send, started)
    token = variable.set(socket)
    try:
        if _is_whole(socket) and (rules.door is None or _admits(rules.door, socket)):
            await app(scope, receive_message, handshake.send)
        else:
            # Closed before it is accepted: the server answers the handshake with 403.
            await handshake.send({"type": "websocket.close", "code": _AGAINST_POLICY})
    finally:
        handshake.answered(500)  # by whom it never was
        variable.reset(token)
        tally.websockets += 1


class _Handshake:
    """The application's `send`, which notes how the handshake was answered: one access event."""

    def __init__(self, socket: AsgiExchange, send: Send, started: int) -> None:
        self._socket = socket
        self._send = send
        self._started = started

    async def send(self, message: Message) -> None:
        kind = message["type"]
        if kind == "websocket.http.response.start":
            self.answered(message["status"])
        elif kind in _ANSWERS:
            self.answered(_ANSWERS[kind])
        await self._send(message)

    def answered(self, status: int) -> None:
        """The handshake got this status, if it had none before."""
        socket = self._socket
        if not socket.status:
            socket.status = status
            socket.note(perf_counter_ns() - self._started, socket.resource)


def _is_whole(socket: AsgiExchange) -> bool:
    """Whether the handshake is what HTTP/2 admits (RFC 8441); HTTP/1 has its server's word."""
    modern = socket.scope.get("http_version", "1.1") >= "2"
    return _passes(socket, malformed(socket.scope["headers"]) if modern else None)


def _admits(door: Door, socket: AsgiExchange) -> bool:
    return _passes(socket, door.connects(socket))


def _takes(door: Door, socket: AsgiExchange, message: str | bytes) -> bool:
    """Whether the application may have this message."""
    try:
        door.hear(socket, message)
    except Rejected as error:
        return _passes(socket, Refusal(error.rule, "input_validation_fail", error))
    return True


def _passes(socket: AsgiExchange, refusal: Refusal | None) -> bool:
    if refusal is not None:
        try:
            socket.stop(refusal)
        except StockadeError:
            return False
    return True

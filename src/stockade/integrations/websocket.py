"""WebSockets over ASGI: the handshake and the latest messages are untrusted inputs."""

from __future__ import annotations

from collections import deque

from stockade.core.context import variable
from stockade.core.errors import StockadeError
from stockade.core.head import Door
from stockade.integrations.asgi_exchange import (
    App,
    AsgiExchange,
    Message,
    Receive,
    Scope,
    Send,
)
from stockade.integrations.exchange import Rules

__all__ = ["serve"]

_MESSAGES = 64  # the latest; what an older one left behind is a stored value


async def serve(app: App, rules: Rules, scope: Scope, receive: Receive, send: Send) -> None:
    """Run `app` for one connection, its sinks guarded."""
    peer = scope.get("client")
    socket = AsgiExchange(rules, scope, send, peer[0] if peer else "", dict(scope["headers"]), 0)
    socket.server_receive = receive
    socket.messages = deque(maxlen=_MESSAGES)

    async def receive_message() -> Message:
        message = await receive()
        if message["type"] == "websocket.receive" and socket.messages is not None:
            text = message.get("text")
            socket.messages.append(text.encode() if text is not None else message["bytes"])
            socket.forget_inputs()
        return message

    token = variable.set(socket)
    try:
        if rules.door is None or _admits(rules.door, socket):
            await app(scope, receive_message, send)
        else:
            # Closed before it is accepted: the server answers the handshake with 403.
            await send({"type": "websocket.close", "code": 1008})
    finally:
        variable.reset(token)


def _admits(door: Door, socket: AsgiExchange) -> bool:
    refusal = door.connects(socket)
    if refusal is not None:
        try:
            socket.stop(refusal)
        except StockadeError:
            return False
    return True

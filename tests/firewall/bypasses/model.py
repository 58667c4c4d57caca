"""What a bypass is: a technique, a sink, a source; a weak handler, and the values that break it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from starlette.requests import HTTPConnection
from starlette.testclient import TestClient

__all__ = ["Answer", "Bypass", "Source"]


class Answer(NamedTuple):
    """What the client got."""

    status: int
    kind: str
    text: str


class Source(NamedTuple):
    """Where values stand in a request: how they are sent for real, how the application reads them.

    `read` is handed the request and what `body()` gave (a WebSocket: its one message).
    """

    name: str
    send: Callable[[TestClient, tuple[Any, ...]], Answer]
    read: Callable[[HTTPConnection, bytes], Any]


class Bypass(NamedTuple):
    """One way by which an attacker tries to get past the firewall."""

    technique: str
    sink: str
    source: Source
    weak: Callable[..., Any | Awaitable[Any]]
    """`weak(world, *values)`: what the handler does; its answer goes back to the client."""
    attack: tuple[Any, ...]
    twin: tuple[Any, ...]
    """Honest, awkward values for the same handler."""
    needs: str = ""
    """The server or program without which the handler does nothing."""
    warm: bool = False
    """Whether the firewall must have seen the handler's honest queries before."""
    status: int = 403
    out_of_reach: str = ""
    """The class of docs/threat-model.md for what is not stopped."""
    hole: str = ""
    """Why the firewall misses what it should stop."""

    @property
    def id(self) -> str:
        return f"{self.technique}-{self.sink}-{self.source.name}".replace(" ", "_")

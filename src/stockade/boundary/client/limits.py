"""How long a call may take, and how much its answer may hold.

`read` bounds a silence, as in every client; a server that sends one byte in time, again and again,
is stopped by `total`, which runs over redirects, retries and the waits between them. A `Deadline`
is that clock. On a thread it also shortens every single operation on the socket; a task is simply
cancelled.

Sources: ASVS 5.0 V13.2.6 (time-outs, retries and what happens then, for each service called);
CWE-400, CWE-770.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields

from stockade.core.errors import ConfigError, UpstreamTimeout

__all__ = ["Deadline", "Limits", "running_deadline", "under"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of a call. Raises ConfigError for what is not positive.

    `connect`: seconds for the connection and its TLS handshake. The system's resolver has limits
    of its own (resolv.conf), which come on top for `Client`; `AsyncClient` does not wait for it.
    `read`: seconds of silence. `total`: seconds for the whole call.
    `max_bytes`: of the body, as sent and as decoded. `max_headers`, `max_header_bytes`: of the
    head.
    `max_sent_headers`: bytes of a request's header fields, together. Most servers answer 431 from
    8 KiB on, to every request that a client with so large a cookie sends from then on (ASVS
    5.0 V4.2.5); an address is never longer than 8,000 characters.
    `max_redirects`: followed at most. Of the client, not of a call: `max_connections` open at once
    over all hosts, `idle_connections` kept for `idle` seconds.
    """

    connect: float = 5.0
    read: float = 10.0
    total: float = 30.0
    max_bytes: int = 8 * 1024 * 1024
    max_headers: int = 100
    max_header_bytes: int = 32 * 1024
    max_sent_headers: int = 8_000
    max_redirects: int = 5
    max_connections: int = 100
    idle_connections: int = 20
    idle: float = 15.0

    def __post_init__(self) -> None:
        for field in fields(self):
            least = 0 if field.name == "max_redirects" else 1e-9
            if not getattr(self, field.name) >= least:  # NaN is not either
                raise ConfigError(
                    f"Limits.{field.name} must be positive: an unlimited call is one that any "
                    "slow or endless answer can hang"
                )


class Deadline:
    """The moment when a call must be over."""

    __slots__ = ("_end",)

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds until then; zero or less when it has passed."""
        return self._end - time.monotonic()

    def within(self, seconds: float) -> float:
        """`seconds`, or what is left if that is less. Raises UpstreamTimeout if nothing is."""
        left = self.left()
        if left <= 0:
            raise too_late()
        return min(seconds, left)


def too_late() -> UpstreamTimeout:
    """The error for a call that is not over in time."""
    return UpstreamTimeout(
        "the service called gave no whole answer within the time allowed; "
        "if it is honest and slow, raise Limits.total",
        rule="client.timeout",
    )


_deadline: ContextVar[Deadline | None] = ContextVar("stockade_client_deadline", default=None)
running_deadline = _deadline.get
"""The deadline of the call that this thread is making, for the sockets below."""


@contextmanager
def under(deadline: Deadline) -> Iterator[None]:
    """Bound every operation on a socket of ours, on this thread, by `deadline`."""
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)

"""The boundary gate: what a request must be before the application sees it.

Limits and allow-lists only, each a comparison or two; everything that needs a parser comes later.
"""

from __future__ import annotations

import threading

from stockade.core.answered import METHODS
from stockade.core.config import RequestSettings
from stockade.core.errors import Busy, Problem, Rejected, StockadeError, Throttled
from stockade.core.head import Refusal

__all__ = ["METHODS", "SECURITY_HEADERS", "Breach", "Places", "RateLimit"]

SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
)
"""Sent unless the application sends its own (ASVS 5.0 V3.4). Only what breaks no honest page: a
content security policy, cross-origin isolation and permissions depend on the pages and are the
application's to write; Strict-Transport-Security is added on https alone."""

TRANSPORT_HEADERS = (
    *SECURITY_HEADERS,
    (b"strict-transport-security", b"max-age=63072000; includeSubDomains"),
)
"""The same, where the connection is encrypted."""

# Two readers of such a header that comes twice may read different ones (RFC 9110, 5.3).
_SINGLE = (b"host", b"content-type", b"content-length", b"authorization", b"content-encoding")


Breach = Refusal
"""A limit that a request broke: the rule, the event, and the error that answers it."""


def breach(rule: str, status: int, detail: str, kind: str) -> Breach:
    """A request that is too large or not a request that is served."""
    return Breach(rule, "request_refused", Rejected(detail, status=status, kind=kind))


HEADERS = breach("request.headers", 431, "The request's header fields are too large.", "headers")
PATH = breach("request.path", 414, "The request's address is too long.", "path")
BODY = breach("request.body", 413, "The request's content is too large.", "body-size")
INFLATION = breach(
    "request.inflation",
    413,
    "Inflated, the request's content is far too large for what was sent.",
    "inflation",
)
LENGTH = breach("request.length", 400, "The request's Content-Length is not its length.", "length")
FRAMING = breach(
    "request.framing", 400, "The request says twice where its content ends.", "framing"
)  # RFC 9112, 6.1: who is in front may have read the other one
HOST = breach("request.host", 421, "This host is not served here.", "host")
TWICE = breach("request.twice", 400, "A header that may come once came twice.", "twice")
METHOD = Breach(
    "request.method",
    "request_refused",
    Rejected(
        "This method is not served here.",
        status=405,
        kind="method",
        headers=((b"allow", ", ".join(sorted(METHODS)).encode()),),  # RFC 9110, 15.5.6
    ),
)
RATE = Breach(
    "request.rate",
    "excess_rate_limit_exceeded",
    Throttled("a client exceeded request.rate", retry_after=1.0),
)


BUSY = Breach(
    "request.concurrent", "request_refused", Busy("The service is at request.max_concurrent.")
)
TOO_SLOW = Breach(
    "request.seconds", "request_refused", Busy("The answer took longer than request.max_seconds.")
)
BODY_TIME = breach(
    "request.body-seconds", 408, "The request's content did not arrive in time.", "timeout"
)

ANSWER_LENGTH = Breach(
    "answer.length",
    "answer_refused",
    StockadeError("an answer holds more or less than its Content-Length says"),
)

_MAX_SERVED = 1_000
# Below this no ratio counts: a kilobyte of blanks compresses a thousandfold.
_SMALL = 1 << 20


def inflation(sent: int, most: int, ratio: int) -> int:
    """The bytes that a body of `sent` bytes may be inflated to; a `ratio` of 0 is none."""
    return min(most, max(ratio * sent, _SMALL)) if ratio else most


def coding(accepted: str) -> Breach:
    """A body in a coding that cannot be undone; `accepted` says which can (RFC 9110, 12.5.3)."""
    error = Rejected(
        "The request's content has a coding that is not taken here.",
        status=415,
        kind="coding",
        headers=((b"accept-encoding", accepted.encode()),),
    )
    return Breach("request.coding", "request_refused", error)


class Places:
    """How many requests this process serves at one time; as many enter as leave."""

    def __init__(self, most: int) -> None:
        self._most, self._taken = most, 0
        self._lock = threading.Lock()

    def enter(self) -> bool:
        """Take a place; whether there was one. Who got none leaves all the same."""
        with self._lock:
            self._taken += 1
            return self._taken <= self._most

    def leave(self) -> None:
        """Give it back."""
        with self._lock:
            self._taken -= 1


class RateLimit:
    """A token bucket for each client address, in this process; idle ones are forgotten first."""

    def __init__(self, rate: float, burst: int, *, clients: int = 100_000) -> None:
        """`rate` tokens come in a second, `burst` at most are kept."""
        self._rate, self._burst, self._clients = rate * 1e-9, float(burst), clients
        self._buckets: dict[str, list[float]] = {}

    def __call__(self, client: str, now: int) -> bool:
        """Whether this client may make one more request; `now` in nanoseconds of any clock."""
        bucket = self._buckets.get(client)
        if bucket is None:
            if len(self._buckets) >= self._clients:
                self._forget(now)
            self._buckets[client] = [self._burst - 1.0, now]
            return True
        tokens = bucket[0] + (now - bucket[1]) * self._rate
        if tokens > self._burst:
            tokens = self._burst
        bucket[1] = now
        if tokens < 1.0:
            bucket[0] = tokens
            return False
        bucket[0] = tokens - 1.0
        return True

    def _forget(self, now: int) -> None:
        full_after = self._burst / self._rate
        idle = [client for client, (_, seen) in self._buckets.items() if now - seen > full_after]
        for client in idle or list(self._buckets)[: self._clients // 10]:
            del self._buckets[client]


class HeaderCheck:
    """The limits on what stands before the body."""

    def __init__(self, settings: RequestSettings) -> None:
        self._settings = settings
        self._hosts = frozenset(host.lower().encode() for host in settings.hosts)
        self.served: set[bytes] = set()
        """Host headers that have passed, as they were sent; bounded, for ports vary."""

    def __call__(
        self, method: str, path_size: int, query_size: int, headers: list[tuple[bytes, bytes]]
    ) -> Breach | None:
        """The first limit that is broken, or None. Called for requests that look unusual."""
        limits = self._settings
        if path_size > limits.max_path or query_size > limits.max_query:
            return PATH
        size = sum(len(name) + len(value) for name, value in headers)
        if len(headers) > limits.max_headers or size > limits.max_header_bytes:
            return HEADERS
        names = [name for name, _ in headers]
        if any(names.count(name) > 1 for name in _SINGLE):
            return TWICE
        if self._hosts and not self._serves(headers):
            return HOST
        return METHOD if method not in METHODS else None

    def _serves(self, headers: list[tuple[bytes, bytes]]) -> bool:
        sent = next((value for name, value in headers if name == b"host"), b"")
        host = sent.lower()
        if host not in self._hosts and host.rpartition(b":")[0] not in self._hosts:
            return False
        if len(self.served) < _MAX_SERVED:
            self.served.add(sent)
        return True


def answer(problem: Problem, request_id: str) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Status, headers and body of a problem document (RFC 9457)."""
    body = problem.body(request_id)
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        *problem.headers,
    ]
    return problem.status, headers, body

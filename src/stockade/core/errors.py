"""The whole error tree.

    StockadeError
    ├── ConfigError      a setting is unknown, of the wrong type or contradicts another
    ├── Rejected         boundary: input does not match its declared contract
    ├── Blocked          firewall: a value would change the structure of what is about to run
    ├── CryptoError      a key, a sealed record or a signature cannot be used
    ├── SecretError      a reference cannot be resolved
    ├── Denied           access: not signed in (401) or not allowed (403)
    ├── Throttled        too many requests or attempts (429)
    ├── Busy             the service is at its limit just now (503)
    ├── StoreError       the store cannot answer
    ├── AuditError       the audit log cannot be read, continued or believed
    ├── UpstreamError    another service cannot be reached, or says that it failed (502)
    │   ├── UpstreamRefused  where the call would go, or what it would carry, is not allowed (502)
    │   ├── UpstreamTimeout  no whole answer in time (504)
    │   ├── AnswerRejected   the answer is too large, malformed or not what was declared (502)
    │   └── CircuitOpen      it failed again and again, and is left alone for a while (503)
    └── Confined         the process is not allowed to do this

A message says what happened, why, and what to do. It never contains an untrusted value or a secret.
At the edge each error becomes a problem document (RFC 9457) through `Problem`.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import ClassVar

import msgspec

__all__ = [
    "AnswerRejected",
    "AuditError",
    "Blocked",
    "Busy",
    "CircuitOpen",
    "ConfigError",
    "Confined",
    "CryptoError",
    "Denied",
    "FieldProblem",
    "Problem",
    "Rejected",
    "SecretError",
    "StockadeError",
    "StoreError",
    "Throttled",
    "UpstreamError",
    "UpstreamRefused",
    "UpstreamTimeout",
]

PROBLEM_TYPE = "urn:stockade:problem:"

TITLES = {
    200: "OK",
    204: "No Content",
    308: "Permanent Redirect",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    413: "Content Too Large",
    414: "URI Too Long",
    415: "Unsupported Media Type",
    421: "Misdirected Request",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
_STATUSES = frozenset(HTTPStatus)


def _title(status: int) -> str:
    """What an HTTP status is called, by RFC 9110 or the registry behind it."""
    known = TITLES.get(status)
    if known is None:
        known = HTTPStatus(status).phrase if status in _STATUSES else "Error"
    return known


class FieldProblem(msgspec.Struct, frozen=True):
    """One field that does not match: where (a JSON Pointer, RFC 6901) and what was expected."""

    pointer: str
    detail: str


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """A problem document (RFC 9457). `kind` ends the `type` URN; no member echoes input.

    Without a `kind` the type is `about:blank`: the status says all there is (RFC 9457, 4.2.1).
    """

    status: int
    kind: str
    detail: str
    instance: str = ""
    errors: tuple[FieldProblem, ...] = ()
    headers: tuple[tuple[bytes, bytes], ...] = ()

    def body(self, instance: str = "") -> bytes:
        """The document as JSON, UTF-8. `instance` is the request id."""
        document: dict[str, object] = {
            "type": PROBLEM_TYPE + self.kind if self.kind else "about:blank",
            "title": _title(self.status),
            "status": self.status,
            "detail": self.detail,
        }
        if instance or self.instance:
            document["instance"] = "urn:stockade:request:" + (instance or self.instance)
        if self.errors:
            document["errors"] = self.errors
        return msgspec.json.encode(document)


class StockadeError(Exception):
    """The root of every error that Stockade raises on purpose."""

    status: ClassVar[int] = 500
    kind: ClassVar[str] = "internal"
    public: ClassVar[str] = "The request could not be completed."

    def problem(self) -> Problem:
        """What a client may learn of this error: by default only its kind."""
        return Problem(self.status, self.kind, self.public)


class ConfigError(StockadeError):
    """A setting is unknown, of the wrong type or contradicts another; raised at start only."""

    kind = "configuration"


class Rejected(StockadeError):
    """Input does not match its declared contract (ASVS 5.0 V2.2.1).

    `status` is 422 for a field that does not match, 4xx as given for a message that cannot be read.
    """

    kind = "rejected"

    def __init__(
        self,
        detail: str,
        *,
        status: int = 422,
        errors: tuple[FieldProblem, ...] = (),
        kind: str = "rejected",
        rule: str = "",
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        super().__init__(detail)
        self.headers = headers
        self.detail = detail
        self.code = status
        self.errors = errors
        self.reason_kind = kind
        self.rule = rule

    def problem(self) -> Problem:
        return Problem(
            self.code, self.reason_kind, self.detail, errors=self.errors, headers=self.headers
        )


class Blocked(StockadeError):
    """A value of this request would change the structure of what is about to run."""

    status = 403
    kind = "blocked"
    public = "This request was refused: one of its values is not acceptable here."

    def __init__(self, message: str, *, rule: str, status: int = 403) -> None:
        super().__init__(message)
        self.rule = rule
        self.code = status

    def problem(self) -> Problem:
        return Problem(self.code, self.kind, self.public)


class CryptoError(StockadeError):
    """A key, a sealed record or a signature cannot be used."""

    kind = "crypto"


class SecretError(StockadeError):
    """A secret's reference is malformed, or its source cannot give it."""

    kind = "secret"


class Denied(StockadeError):
    """Not signed in (401), or signed in and not allowed (403)."""

    kind = "denied"

    def __init__(self, message: str, *, status: int = 403) -> None:
        super().__init__(message)
        self.code = status

    def problem(self) -> Problem:
        detail = "Sign in first." if self.code == 401 else "You may not do this."
        headers = ((b"www-authenticate", b"Session"),) if self.code == 401 else ()
        return Problem(self.code, self.kind, detail, headers=headers)


class Throttled(StockadeError):
    """Too many requests or attempts; `retry_after` is in seconds."""

    status = 429
    kind = "throttled"
    public = "Too many attempts. Wait a moment and try again."

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after

    def problem(self) -> Problem:
        seconds = str(max(1, round(self.retry_after))).encode()
        return Problem(429, self.kind, self.public, headers=((b"retry-after", seconds),))


class Busy(StockadeError):
    """The service is at its limit: too many requests at once, or one that takes too long (503)."""

    status = 503
    kind = "busy"
    public = "The service is busy. Try again in a moment."

    def problem(self) -> Problem:
        return Problem(self.status, self.kind, self.public, headers=((b"retry-after", b"1"),))


class StoreError(StockadeError):
    """The store cannot answer; whoever asked decides whether that opens or closes."""

    status = 503
    kind = "unavailable"


class AuditError(StockadeError):
    """The audit log cannot be read, continued or believed."""


class UpstreamError(StockadeError):
    """Another service cannot be reached, or says that it failed; `rule` is the event's.

    The client learns the same sentence whatever happened: what lies behind must not show.
    """

    status = 502
    kind = "upstream"
    public = "Another service that this request needs did not answer as it should."

    def __init__(self, message: str, *, rule: str = "client.unreachable") -> None:
        super().__init__(message)
        self.rule = rule


class UpstreamRefused(UpstreamError):
    """Where a call would go, or what it would carry, is not allowed (CWE-918); nothing was sent.

    `reach` says what kind of address it was (`loopback`, `private`, …), for the event alone.
    """

    def __init__(self, message: str, *, rule: str, reach: str = "") -> None:
        super().__init__(message, rule=rule)
        self.reach = reach


class UpstreamTimeout(UpstreamError):
    """No whole answer within the time allowed."""

    status = 504


class AnswerRejected(UpstreamError):
    """The answer is too large, malformed or not what was declared; `errors` name the fields."""

    def __init__(self, message: str, *, rule: str, errors: tuple[FieldProblem, ...] = ()) -> None:
        super().__init__(message, rule=rule)
        self.errors = errors


class CircuitOpen(UpstreamError):
    """The service failed again and again; `retry_after` is how many seconds it is left alone."""

    status = 503

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message, rule="client.circuit")
        self.retry_after = retry_after

    def problem(self) -> Problem:
        seconds = str(max(1, round(self.retry_after))).encode()
        return Problem(503, self.kind, self.public, headers=((b"retry-after", seconds),))


class Confined(StockadeError):
    """The process may not do this, or cannot be confined as configured."""

    kind = "confined"

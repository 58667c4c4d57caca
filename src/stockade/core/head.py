"""What a request says before its body, however the server hands it over."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from stockade.core.errors import StockadeError

__all__ = ["Door", "Head", "Headers", "Refusal", "Reply"]

Headers = list[tuple[bytes, bytes]]
"""Fields in the order they are sent; names in lower case where they are ours."""


class Head(Protocol):
    """The head of one request."""

    client: str
    principal: str
    nonce: str
    status: int
    """Of the answer; 0 until there is one."""

    @property
    def method(self) -> str: ...

    @property
    def path(self) -> str:
        """Decoded, without the query."""
        ...

    @property
    def target(self) -> str:
        """Path and query as they were sent, as far as the server tells."""
        ...

    @property
    def scheme(self) -> str:
        """`http` or `https`, as the server knows it."""
        ...

    def field(self, name: str) -> list[str]:
        """Every value of the header field `name` (lower case), as sent."""
        ...


class Refusal(NamedTuple):
    """Why a request is not served: what is told to the client, and the event."""

    rule: str
    event: str
    error: StockadeError


class Reply(NamedTuple):
    """An answer in the application's place."""

    status: int
    headers: Headers
    body: bytes = b""


class Door(Protocol):
    """Between server and application: the boundary's gate, as the integrations see it."""

    asks_all: bool
    """Whether `enter` has to see every request, not only those that a browser sends across."""
    changes_answers: bool
    """Whether `leave` has to see every answer, not only those that set cookies."""
    judges_answers: bool
    """Whether `judge` has to see every answer."""
    reads_content: bool
    """Whether `read` and `hear` have to see bodies and messages of WebSockets."""

    report_path: str
    """Where browsers send reports; empty: nowhere."""

    def enter(self, request: Head) -> Refusal | Reply | None:
        """Why a request is not served, or an answer in the application's place."""
        ...

    def connects(self, request: Head) -> Refusal | None:
        """Why a request may not open a WebSocket."""
        ...

    def identified(self, request: Head) -> Refusal | None:
        """Why it is not served to `request.principal`, which is known from now on."""
        ...

    def read(self, request: Head, content_type: str, body: bytes) -> None:
        """Judge a complete body. Raises Rejected for what this address does not take."""
        ...

    def hear(self, request: Head, message: str | bytes) -> None:
        """Judge a message of a WebSocket. Raises Rejected for what this address does not take."""
        ...

    def judge(self, request: Head, headers: Headers) -> Refusal | None:
        """Why an answer of the application, of `request.status`, may not leave."""
        ...

    def leave(self, request: Head, headers: Headers) -> Headers:
        """The headers of the application's answer, with what they lack."""
        ...

    def report(self, content_type: str, body: bytes) -> None:
        """Take what was sent to `report_path`. Raises Rejected for what is no report."""
        ...

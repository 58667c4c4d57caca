"""The course of one call: hops, tries and waits, without any input or output of its own.

`Exchange.call` is a generator. It yields `Send` and is sent the answer (or thrown the error), it
yields `Pause` and is resumed later, and returns the last answer. `Client` runs it on a thread,
`AsyncClient` in a task: what is allowed is decided in one place for both.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeAlias

import httpcore2

from stockade.boundary.client.addresses import AddressPolicy
from stockade.boundary.client.answer import Answer
from stockade.boundary.client.breaker import Circuit, Circuits
from stockade.boundary.client.limits import Deadline, Limits
from stockade.boundary.client.message import Headers, Message
from stockade.boundary.client.outgoing import HARMLESS, Outgoing, check_size, make, redirected
from stockade.boundary.client.reading import Reading
from stockade.boundary.client.retries import TRANSIENT, Retries, retry_after
from stockade.boundary.client.target import Base, read_target
from stockade.boundary.client.telling import tell, tell_circuit
from stockade.core import trace_context
from stockade.core.errors import CircuitOpen, ConfigError, UpstreamError, UpstreamRefused
from stockade.core.secret import fingerprint

__all__ = ["Exchange", "Flow", "Pause", "Send"]

_DOWN = frozenset((502, 503, 504))
_REPEATABLE = frozenset(("client.unreachable", "client.disconnected"))
_FAILURES = _REPEATABLE | {"client.timeout", "client.tls", "client.protocol"}


@dataclass(frozen=True, slots=True)
class Send:
    """Send this, and give back the answer."""

    outgoing: Outgoing
    limits: Limits
    deadline: Deadline
    upstream: str

    @property
    def method(self) -> str:
        return self.outgoing.method

    def request(self) -> httpcore2.Request:
        """What the connection pool takes."""
        return self.outgoing.request(self.limits, self.deadline)

    def answer(self, reading: Reading) -> Answer:
        """What the caller gets."""
        return Answer(
            reading.status,
            reading.headers,
            reading.content(),
            url=self.outgoing.target.url,
            upstream=self.upstream,
        )


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait this many seconds."""

    seconds: float


Flow: TypeAlias = Generator["Send | Pause", "Answer | None", Answer]


class Exchange:
    """What all calls of one client share."""

    def __init__(
        self,
        base_url: str | None,
        headers: Headers | None,
        policy: AddressPolicy | None,
        limits: Limits | None,
        retries: Retries | None,
        circuit: Circuit | None,
    ) -> None:
        """Raises ConfigError for credentials that would go to any host."""
        self.policy = policy or AddressPolicy()
        self.limits = limits or Limits()
        self._base = None if base_url is None else Base(base_url)
        self._headers = {name.lower(): value for name, value in (headers or {}).items()}
        if self._base is None and not HARMLESS.issuperset(self._headers):
            raise ConfigError(
                "this client would send its headers to every host that it calls; give it the "
                "base_url that they are meant for, or pass them with each call"
            )
        self._retries = retries or Retries()
        self._circuits = Circuits(circuit, changed=self._circuit_changed)

    def call(self, method: str, url: str, message: Message) -> Flow:
        """One call, from the URL to the last answer. Raises UpstreamError, which is an event."""
        limits = message.get("limits", self.limits)
        deadline = Deadline(limits.total)
        upstream, hop = self._base.target.origin if self._base else fingerprint(url), 0
        try:
            target = self._base.join(url) if self._base else read_target(url)
            outgoing = make(method, target, self._headers_of(message), message)
            while True:
                upstream = self._name(outgoing.target.origin)
                check_size(outgoing, limits)
                self.policy.check_target(outgoing.target)
                answer = yield from self._tries(outgoing, limits, deadline, upstream)
                following = redirected(outgoing, answer.status, answer.headers.get("location"))
                if following is None:
                    return answer
                outgoing, hop = following, hop + 1
                if hop > limits.max_redirects:
                    raise UpstreamRefused(
                        "the service redirects more often than Limits.max_redirects allows",
                        rule="client.redirects",
                    )
        except UpstreamError as error:
            tell(error, upstream=upstream, declared=self._base is not None, hop=hop)
            raise

    def _headers_of(self, message: Message) -> Headers:
        """The client's headers, and the trace of this request for a service that is declared.

        Any other host would learn from it which calls belong together.
        """
        given = {*self._headers, *map(str.lower, message.get("headers", {}))}
        if self._base is None or "traceparent" in given:
            return self._headers
        return {**trace_context.outgoing(), **self._headers}

    def _tries(self, outgoing: Outgoing, limits: Limits, deadline: Deadline, upstream: str) -> Flow:
        """The tries of one hop: the answer of the last, or its error."""
        may_repeat = self._retries.may_repeat(outgoing.method, outgoing.headers)
        tried = 0
        last: Answer | UpstreamError | None = None
        while True:
            try:
                last = yield from self._try(outgoing, limits, deadline, upstream)
            except CircuitOpen:
                if last is None:
                    raise
                break  # it opened under our own tries: what they met says more
            except UpstreamError as error:
                last = error
            tried += 1
            wait = self._retries.wait(tried, _asked(last)) if may_repeat and _mends(last) else None
            if wait is None or wait >= deadline.left():
                break
            yield Pause(wait)
        if isinstance(last, UpstreamError):
            raise last
        return last

    def _try(self, outgoing: Outgoing, limits: Limits, deadline: Deadline, upstream: str) -> Flow:
        passed = self._circuits.enter(outgoing.target.origin)
        try:
            answer = yield Send(outgoing, limits, deadline, upstream)
            if answer is None:
                raise RuntimeError("a Send was not answered")
            passed.settle(works=answer.status not in _DOWN)
            return answer
        except UpstreamError as error:
            if not isinstance(error, UpstreamRefused):
                passed.settle(works=error.rule not in _FAILURES)
            raise
        finally:
            passed.settle(works=None)

    def _name(self, origin: str) -> str:
        """What events call an origin: the developer's own by its name, others by a fingerprint."""
        if self._base is not None and origin == self._base.target.origin:
            return origin
        return fingerprint(origin)

    def _circuit_changed(self, origin: str, is_open: bool) -> None:
        tell_circuit(self._name(origin), is_open)


def _mends(last: Answer | UpstreamError) -> bool:
    if isinstance(last, UpstreamError):
        return last.rule in _REPEATABLE
    return last.status in TRANSIENT


def _asked(last: Answer | UpstreamError) -> float | None:
    return None if isinstance(last, UpstreamError) else retry_after(last.headers.get("retry-after"))

"""`Client`: calls to other services from threads; `AsyncClient` is its twin for tasks."""

from __future__ import annotations

import ssl
import time
from contextlib import closing
from types import TracebackType
from typing import TypeVar, Unpack, overload

import httpcore2
from pydantic import TypeAdapter

from stockade.boundary.client.addresses import AddressPolicy
from stockade.boundary.client.answer import Answer
from stockade.boundary.client.breaker import Circuit
from stockade.boundary.client.exchange import Exchange, Flow, Pause, Send
from stockade.boundary.client.failures import translated
from stockade.boundary.client.limits import Limits, under
from stockade.boundary.client.message import Headers, Message, verifying
from stockade.boundary.client.pinned import PinnedBackend, Resolver, resolve
from stockade.boundary.client.reading import Reading
from stockade.boundary.client.retries import Retries

__all__ = ["Client"]

T = TypeVar("T")


class Client:
    """Calls other services' HTTP APIs; safe to share between threads. Close it, or use `with`.

    It takes no proxy and nothing else from the environment, keeps no cookies, and sends a request
    only where the policy allows (`AddressPolicy`), at every hop and to the address that was judged.
    """

    def __init__(
        self,
        base_url: str | None = None,
        *,
        headers: Headers | None = None,
        policy: AddressPolicy | None = None,
        limits: Limits | None = None,
        retries: Retries | None = None,
        circuit: Circuit | None = Circuit(),  # noqa: B008 - frozen
        tls: ssl.SSLContext | None = None,
        resolver: Resolver = resolve,
    ) -> None:
        """`base_url`: the API that this client is for; calls name paths below it.

        `headers` go with every call, to the base's origin only. `circuit`: None for no circuit
        breaker. `tls`: for a private authority or a client certificate. `resolver`: a host and a
        port to addresses. Raises ConfigError.
        """
        self._exchange = Exchange(base_url, headers, policy, limits, retries, circuit)
        self._pool = httpcore2.ConnectionPool(
            ssl_context=verifying(tls),
            max_connections=self._exchange.limits.max_connections,
            max_keepalive_connections=self._exchange.limits.idle_connections,
            keepalive_expiry=self._exchange.limits.idle,
            network_backend=PinnedBackend(self._exchange.policy, resolver),
        )

    @overload
    def request(self, method: str, url: str, /, **message: Unpack[Message]) -> Answer: ...
    @overload
    def request(
        self, method: str, url: str, /, model: type[T] | TypeAdapter[T], **message: Unpack[Message]
    ) -> T: ...
    def request(
        self,
        method: str,
        url: str,
        /,
        model: type[T] | TypeAdapter[T] | None = None,
        **message: Unpack[Message],
    ) -> Answer | T:
        """Call `url` and give the answer, or its JSON as a `model` if one is declared.

        Raises UpstreamRefused where the call or a redirect is not allowed, UpstreamTimeout,
        AnswerRejected for an answer too large, malformed or not as declared, CircuitOpen,
        UpstreamError for a service that cannot be reached and, with a model, for a status
        other than 2xx.
        """
        answer = self._run(self._exchange.call(method, url, message))
        return answer if model is None else answer.expect(model)

    @overload
    def get(self, url: str, /, **message: Unpack[Message]) -> Answer: ...
    @overload
    def get(
        self, url: str, /, model: type[T] | TypeAdapter[T], **message: Unpack[Message]
    ) -> T: ...
    def get(
        self,
        url: str,
        /,
        model: type[T] | TypeAdapter[T] | None = None,
        **message: Unpack[Message],
    ) -> Answer | T:
        """`request` by GET."""
        answer = self.request("GET", url, **message)
        return answer if model is None else answer.expect(model)

    @overload
    def post(self, url: str, /, **message: Unpack[Message]) -> Answer: ...
    @overload
    def post(
        self, url: str, /, model: type[T] | TypeAdapter[T], **message: Unpack[Message]
    ) -> T: ...
    def post(
        self,
        url: str,
        /,
        model: type[T] | TypeAdapter[T] | None = None,
        **message: Unpack[Message],
    ) -> Answer | T:
        """`request` by POST."""
        answer = self.request("POST", url, **message)
        return answer if model is None else answer.expect(model)

    def put(self, url: str, /, **message: Unpack[Message]) -> Answer:
        """`request` by PUT, without a model."""
        return self.request("PUT", url, **message)

    def patch(self, url: str, /, **message: Unpack[Message]) -> Answer:
        """`request` by PATCH, without a model."""
        return self.request("PATCH", url, **message)

    def delete(self, url: str, /, **message: Unpack[Message]) -> Answer:
        """`request` by DELETE, without a model."""
        return self.request("DELETE", url, **message)

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self, flow: Flow) -> Answer:
        with closing(flow):
            try:
                step = next(flow)
                while True:
                    if isinstance(step, Pause):
                        time.sleep(step.seconds)
                        step = flow.send(None)
                        continue
                    try:
                        answer = self._send(step)
                    except Exception as error:
                        step = flow.throw(error)
                    else:
                        step = flow.send(answer)
            except StopIteration as end:
                whole: Answer = end.value
                return whole

    def _send(self, send: Send) -> Answer:
        with translated(), under(send.deadline):
            response = self._pool.handle_request(send.request())
            try:
                reading = Reading(response.status, response.headers, send.limits, send.method)
                for chunk in response.iter_stream():
                    reading.add(chunk)
            finally:
                response.close()
        return send.answer(reading)

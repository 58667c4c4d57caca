"""`AsyncClient`: calls to other services from tasks, on asyncio or trio; `Client` is its twin."""

from __future__ import annotations

import ssl
from contextlib import closing
from types import TracebackType
from typing import TypeVar, Unpack, overload

import anyio
import httpcore2
from pydantic import TypeAdapter

from stockade.boundary.client.addresses import AddressPolicy
from stockade.boundary.client.answer import Answer
from stockade.boundary.client.breaker import Circuit
from stockade.boundary.client.exchange import Exchange, Flow, Pause, Send
from stockade.boundary.client.failures import translated
from stockade.boundary.client.limits import Limits
from stockade.boundary.client.message import Headers, Message, verifying
from stockade.boundary.client.pinned import AsyncPinnedBackend, AsyncResolver, resolve_async
from stockade.boundary.client.reading import Reading
from stockade.boundary.client.retries import Retries

__all__ = ["AsyncClient"]

T = TypeVar("T")


class AsyncClient:
    """`Client` for tasks, with the same promises; safe to share within one event loop.

    Close it (`await client.close()`), or use `async with`.
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
        resolver: AsyncResolver = resolve_async,
    ) -> None:
        """`base_url`: the API that this client is for; calls name paths below it.

        `headers` go with every call, to the base's origin only. `circuit`: None for no circuit
        breaker. `tls`: for a private authority or a client certificate. `resolver`: a host and a
        port to addresses. Raises ConfigError.
        """
        self._exchange = Exchange(base_url, headers, policy, limits, retries, circuit)
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=verifying(tls),
            max_connections=self._exchange.limits.max_connections,
            max_keepalive_connections=self._exchange.limits.idle_connections,
            keepalive_expiry=self._exchange.limits.idle,
            network_backend=AsyncPinnedBackend(self._exchange.policy, resolver),
        )

    @overload
    async def request(self, method: str, url: str, /, **message: Unpack[Message]) -> Answer: ...
    @overload
    async def request(
        self, method: str, url: str, /, model: type[T] | TypeAdapter[T], **message: Unpack[Message]
    ) -> T: ...
    async def request(
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
        answer = await self._run(self._exchange.call(method, url, message))
        return answer if model is None else answer.expect(model)

    @overload
    async def get(self, url: str, /, **message: Unpack[Message]) -> Answer: ...
    @overload
    async def get(
        self, url: str, /, model: type[T] | TypeAdapter[T], **message: Unpack[Message]
    ) -> T: ...
    async def get(
        self,
        url: str,
        /,
        model: type[T] | TypeAdapter[T] | None = None,
        **message: Unpack[Message],
    ) -> Answer | T:
        """`request` by GET."""
        answer = await self.request("GET", url, **message)
        return answer if model is None else answer.expect(model)

    @overload
    async def post(self, url: str, /, **message: Unpack[Message]) -> Answer: ...
    @overload
    async def post(
        self, url: str, /, model: type[T] | TypeAdapter[T], **message: Unpack[Message]
    ) -> T: ...
    async def post(
        self,
        url: str,
        /,
        model: type[T] | TypeAdapter[T] | None = None,
        **message: Unpack[Message],
    ) -> Answer | T:
        """`request` by POST."""
        answer = await self.request("POST", url, **message)
        return answer if model is None else answer.expect(model)

    async def put(self, url: str, /, **message: Unpack[Message]) -> Answer:
        """`request` by PUT, without a model."""
        return await self.request("PUT", url, **message)

    async def patch(self, url: str, /, **message: Unpack[Message]) -> Answer:
        """`request` by PATCH, without a model."""
        return await self.request("PATCH", url, **message)

    async def delete(self, url: str, /, **message: Unpack[Message]) -> Answer:
        """`request` by DELETE, without a model."""
        return await self.request("DELETE", url, **message)

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.aclose()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self.close()

    async def _run(self, flow: Flow) -> Answer:
        with closing(flow):
            try:
                step = next(flow)
                while True:
                    if isinstance(step, Pause):
                        await anyio.sleep(step.seconds)
                        step = flow.send(None)
                        continue
                    try:
                        answer = await self._send(step)
                    except Exception as error:
                        step = flow.throw(error)
                    else:
                        step = flow.send(answer)
            except StopIteration as end:
                whole: Answer = end.value
                return whole

    async def _send(self, send: Send) -> Answer:
        with translated(), anyio.fail_after(max(send.deadline.left(), 0.0)):
            response = await self._pool.handle_async_request(send.request())
            try:
                reading = Reading(response.status, response.headers, send.limits, send.method)
                async for chunk in response.aiter_stream():
                    reading.add(chunk)
            finally:
                await response.aclose()
        return send.answer(reading)

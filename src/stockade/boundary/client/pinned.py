"""Connections that go to the very addresses which the policy has seen.

A client that checks a name and then connects to the name resolves it twice, and a DNS server of the
attacker's answers differently the second time (DNS rebinding). Here the one resolution happens
inside the connection pool's network backend: its answers are judged and connected to by number.
TLS still names the host: SNI and the certificate are checked as always, one layer further up.

A pooled connection is used again without a new resolution; what was checked is what it leads to.

Sources: ASVS 5.0 V1.3.6; CWE-367, CWE-918; httpcore's network backends.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from ipaddress import ip_address
from typing import Any, NoReturn, TypeAlias, cast

import anyio
import httpcore2

from stockade.boundary.client.addresses import AddressPolicy
from stockade.boundary.client.limits import running_deadline

__all__ = [
    "AsyncPinnedBackend",
    "AsyncResolver",
    "PinnedBackend",
    "Resolver",
    "resolve",
    "resolve_async",
]

Resolver: TypeAlias = Callable[[str, int], Sequence[str]]
AsyncResolver: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]

_MAX_TRIES = 4
_CONNECT_SECONDS = 5.0


def resolve(host: str, port: int) -> Sequence[str]:
    """Every address that the system's resolver knows. Raises OSError where it knows none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


async def resolve_async(host: str, port: int) -> Sequence[str]:
    """As `resolve`, on a thread of its own."""
    found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class PinnedBackend(httpcore2.NetworkBackend):
    """Resolves once, asks the policy, connects by number; for `Client`."""

    def __init__(self, policy: AddressPolicy, resolver: Resolver) -> None:
        self._policy = policy
        self._resolver = resolver
        self._backend = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Raises UpstreamRefused for an address that may not be reached, ConnectError otherwise."""
        found = [host] if _is_address(host) else _resolved(self._resolver, host, port)
        tries = _Tries(self._policy.admit(host, found), timeout)
        for address in tries:
            try:
                stream = self._backend.connect_tcp(address, port, timeout=tries.share())
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                tries.failed(error)
            else:
                return DeadlineStream(stream)
        raise tries.error

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> NoReturn:
        """Never: a path is no address that a policy could judge."""
        raise httpcore2.UnsupportedProtocol("unix sockets are not called by this client")


class AsyncPinnedBackend(httpcore2.AsyncNetworkBackend):
    """The same for `AsyncClient`; its calls are cancelled at their deadline."""

    def __init__(self, policy: AddressPolicy, resolver: AsyncResolver) -> None:
        self._policy = policy
        self._resolver = resolver
        # Their module defines the name twice, once as a stand-in where anyio is missing.
        self._backend = cast("httpcore2.AsyncNetworkBackend", httpcore2.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Raises as `PinnedBackend.connect_tcp`."""
        found: Sequence[str] = [host]
        if not _is_address(host):
            try:
                found = await self._resolver(host, port)
            except (OSError, UnicodeError) as error:
                raise httpcore2.ConnectError("the name does not resolve") from error
        tries = _Tries(self._policy.admit(host, found), timeout)
        for address in tries:
            try:
                return await self._backend.connect_tcp(address, port, timeout=tries.share())
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                tries.failed(error)
        raise tries.error

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> NoReturn:
        """Never: a path is no address that a policy could judge."""
        raise httpcore2.UnsupportedProtocol("unix sockets are not called by this client")


class _Tries:
    """A few addresses, one after the other, that share the time for connecting."""

    def __init__(self, addresses: Sequence[str], timeout: float | None) -> None:
        self._addresses = list(addresses[:_MAX_TRIES])
        self._left = len(self._addresses)
        self._end = time.monotonic() + (_CONNECT_SECONDS if timeout is None else timeout)
        self.error: Exception = httpcore2.ConnectError("the name has no address")

    def __iter__(self) -> Iterator[str]:
        return iter(self._addresses)

    def share(self) -> float:
        """Seconds for the address whose turn it is."""
        return max((self._end - time.monotonic()) / self._left, 0.001)

    def failed(self, error: Exception) -> None:
        self.error = error
        self._left -= 1


class DeadlineStream(httpcore2.NetworkStream):
    """A socket no operation on which outlives the deadline of the call that this thread makes."""

    def __init__(self, stream: httpcore2.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _bounded(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """All of `buffer`; each piece that the kernel takes starts no new time-out."""
        sock: socket.socket = self._stream.get_extra_info("socket")
        view = memoryview(buffer)
        try:
            while view:
                sock.settimeout(_bounded(timeout))
                view = view[sock.send(view) :]
        except TimeoutError as error:
            raise httpcore2.WriteTimeout from error
        except OSError as error:
            raise httpcore2.WriteError from error

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, _bounded(timeout))
        return DeadlineStream(secured)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _bounded(timeout: float | None) -> float | None:
    deadline = running_deadline()
    if deadline is None:
        return timeout
    return deadline.within(deadline.left() if timeout is None else timeout)


def _resolved(resolver: Resolver, host: str, port: int) -> Sequence[str]:
    try:
        return resolver(host, port)
    except (OSError, UnicodeError) as error:
        raise httpcore2.ConnectError("the name does not resolve") from error


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True

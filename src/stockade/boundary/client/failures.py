"""What the connection pool's errors mean to a caller: one place, for threads and tasks."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import h11
import httpcore2

from stockade.boundary.client.limits import too_late
from stockade.core.errors import AnswerRejected, UpstreamError, UpstreamRefused, UpstreamTimeout

__all__ = ["translated"]


@contextmanager
def translated() -> Iterator[None]:
    """Raise UpstreamError for what the pool raises; its own texts may quote the other service."""
    try:
        yield
    except httpcore2.ConnectTimeout:
        raise UpstreamTimeout(
            "the service called does not accept connections in time; look whether it is up",
            rule="client.unreachable",
        ) from None
    except httpcore2.PoolTimeout:
        raise UpstreamTimeout(
            "no connection became free in time; raise Limits.max_connections, or call less at once",
            rule="client.pool",
        ) from None
    except (httpcore2.TimeoutException, TimeoutError):
        raise too_late() from None
    except httpcore2.ConnectError as error:
        raise _unreachable(error) from None
    except httpcore2.RemoteProtocolError as error:
        if isinstance(_origin(error), h11.RemoteProtocolError):
            raise AnswerRejected(
                "the service called does not answer in HTTP, or not to the end",
                rule="client.protocol",
            ) from None
        raise _disconnected() from None
    except httpcore2.NetworkError:
        raise _disconnected() from None
    except (httpcore2.LocalProtocolError, httpcore2.UnsupportedProtocol):
        raise UpstreamRefused(
            "the request cannot be written as HTTP; look for line breaks and other control "
            "characters in its headers",
            rule="client.request",
        ) from None


def _origin(error: Exception) -> object:
    """What the pool translated; it hands that on as the argument, and clears the cause."""
    return error.args[0] if error.args else None


def _unreachable(error: httpcore2.ConnectError) -> UpstreamError:
    if isinstance(_origin(error), ssl.SSLError):
        return UpstreamError(
            "the service called does not prove by its certificate that it is the host named; if "
            "its authority is your own, pass a context that knows it as `tls`",
            rule="client.tls",
        )
    return UpstreamError(
        "the service called cannot be reached; look whether its name resolves and it is up",
        rule="client.unreachable",
    )


def _disconnected() -> UpstreamError:
    return UpstreamError(
        "the service called broke the connection off before its answer was whole",
        rule="client.disconnected",
    )

"""What a request is called in traces: ids made of its own id, so that nothing is drawn or kept.

Whoever tells of the request later (the event log, the exporter, a call to another service) finds
the same ids without having been told. An inbound trace id goes before the one made here; the
request's span is always ours, unless the application has a span of its own for it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable

__all__ = ["active", "span_of", "trace_of"]

_key = os.urandom(16)

active: Callable[[], tuple[str, str] | None] | None = None
"""Asks for the application's own OpenTelemetry span, its trace id and span id in hexadecimal; None
where nothing is exported, so that a request then pays for one comparison."""


def trace_of(request_id: str) -> str:
    """32 hexadecimal digits: the trace id of a request that came without one."""
    return _digest(request_id, 16, b"trace")


def span_of(request_id: str) -> str:
    """16 hexadecimal digits, the id of the request's span."""
    return _digest(request_id, 8, b"span")


def _digest(request_id: str, size: int, what: bytes) -> str:
    data = request_id.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=size, key=_key, person=what).hexdigest()


def _draw() -> None:
    global _key
    _key = os.urandom(16)


os.register_at_fork(after_in_child=_draw)

"""Carry the current request into threads and executors, where the interpreter does not.

Tasks, `asyncio.to_thread` and anyio copy the context by themselves. `ThreadPoolExecutor.submit`,
and with it `run_in_executor`, and `threading.Thread` do not (before Python 3.14). A pool's worker
threads outlive the request that happened to start them, so they are started outside any request.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from stockade.core.context import variable

__all__ = ["install"]

_submit = ThreadPoolExecutor.submit
_start = threading.Thread.start
# These keep one thread for many requests; each piece of work brings a context of its own.
_LONG_LIVED = ("anyio.", "aiosqlite", "concurrent.futures", "stockade.")


def submit(
    self: ThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any
) -> Future[Any]:
    """`ThreadPoolExecutor.submit`, the work running in a copy of the caller's context."""
    if variable.get() is None:
        return _submit(self, fn, *args, **kwargs)
    carried = contextvars.copy_context()
    token = variable.set(None)  # a worker thread that starts now must not belong to this request
    try:
        return _submit(self, carried.run, fn, *args, **kwargs)
    finally:
        variable.reset(token)


def start(self: threading.Thread) -> None:
    """`Thread.start`, the thread running in a copy of the caller's context."""
    if variable.get() is None:
        _start(self)
    elif type(self).__module__.startswith(_LONG_LIVED):
        token = variable.set(None)
        try:
            _start(self)
        finally:
            variable.reset(token)
    else:
        carried, run = contextvars.copy_context(), self.run

        def run_in_context() -> None:
            del self.run  # break the cycle thread -> closure -> thread
            carried.run(run)

        self.run = run_in_context  # type: ignore[method-assign]
        _start(self)


def install() -> None:
    """Patch both, once a process; calling it again changes nothing."""
    ThreadPoolExecutor.submit = submit  # type: ignore[method-assign, assignment]
    threading.Thread.start = start  # type: ignore[method-assign]


def uninstall() -> None:
    """Put the interpreter's own back: for tests."""
    ThreadPoolExecutor.submit = _submit  # type: ignore[method-assign]
    threading.Thread.start = _start  # type: ignore[method-assign]

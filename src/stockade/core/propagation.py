"""Carry the current request into threads and executors, where the interpreter does not.

Tasks, `asyncio.to_thread` and anyio copy the context by themselves. `ThreadPoolExecutor.submit`,
and with it `run_in_executor`, `threading.Thread` (before Python 3.14), `_thread.start_new_thread`
and `multiprocessing.pool.ThreadPool` do not. A pool's worker threads outlive the request that
happened to start them, so they are started outside any request.

Out of reach: other processes, and a task or thread of the application's own that takes work out of
a queue. A sink reached there is counted as unattributed, unless the worker hands the request on
with `stockade.core.context.running`.
"""

from __future__ import annotations

import _thread
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import wrapt

from stockade.core.bus import flush_children
from stockade.core.context import variable

__all__ = ["REQUEST", "install"]

REQUEST = "_stockade_request"
"""Attribute of a thread that failed: the request that it worked for."""

_submit = ThreadPoolExecutor.submit
_start = threading.Thread.start
_start_new = _thread.start_new_thread
# These keep one thread for many requests; each piece of work brings a context of its own.
_LONG_LIVED = ("anyio.", "aiosqlite", "concurrent.futures", "multiprocessing.pool", "stockade.")


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


def _is_long_lived(thread: threading.Thread) -> bool:
    """Whether a library runs it for many requests: its class says so, or what it is to call."""
    target = getattr(thread, "_target", None)
    modules = (type(thread).__module__, getattr(target, "__module__", None) or "")
    return any(module.startswith(_LONG_LIVED) for module in modules)


def start(self: threading.Thread) -> None:
    """`Thread.start`, the thread running in a copy of the caller's context."""
    if variable.get() is None:
        _start(self)
    elif _is_long_lived(self):
        token = variable.set(None)
        try:
            _start(self)
        finally:
            variable.reset(token)
    else:
        carried, run = contextvars.copy_context(), self.run

        def run_in_context() -> None:
            del self.run  # break the cycle thread -> closure -> thread
            try:
                carried.run(run)
            except BaseException:
                setattr(self, REQUEST, carried.get(variable))
                raise

        self.run = run_in_context  # type: ignore[method-assign]
        _start(self)


def start_new_thread(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any] | None = None
) -> int:
    """`_thread.start_new_thread`, the thread running in a copy of the caller's context."""
    return _start_new(_carried(function), args, kwargs or {})


def _carried(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, each call of it in a copy of the caller's context of now."""
    if variable.get() is None:
        return function
    context = contextvars.copy_context()

    def call(*args: Any, **kwargs: Any) -> Any:
        # A context can be entered once at a time, and a pool calls from several threads.
        return context.copy().run(function, *args, **kwargs)

    return call


_POOL_METHODS = ("apply_async", "_map_async", "imap", "imap_unordered")


def _patch_pool(module: Any) -> None:
    """Carry the context into a `ThreadPool`, though not into a pool of processes."""
    for name in _POOL_METHODS:
        setattr(module.ThreadPool, name, _pool_method(getattr(module.Pool, name)))


def _pool_method(original: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Any, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if not _installed:
            return original(self, func, *args, **kwargs)
        return original(self, _carried(func), *args, **kwargs)

    return method


_installed = False
_registered = False


def install() -> None:
    """Patch them all, once a process; calling it again changes nothing."""
    global _installed, _registered
    ThreadPoolExecutor.submit = submit  # type: ignore[method-assign, assignment]
    threading.Thread.start = start  # type: ignore[method-assign]
    _thread.start_new_thread = start_new_thread
    _installed = True
    if not _registered:
        _registered = True
        wrapt.register_post_import_hook(_patch_pool, "multiprocessing.pool")
        wrapt.register_post_import_hook(flush_children, "multiprocessing.util")


def uninstall() -> None:
    """Put the interpreter's own back: for tests."""
    global _installed
    ThreadPoolExecutor.submit = _submit  # type: ignore[method-assign]
    threading.Thread.start = _start  # type: ignore[method-assign]
    _thread.start_new_thread = _start_new
    _installed = False

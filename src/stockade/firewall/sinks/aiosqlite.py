"""aiosqlite: a thread for each connection, fed by a queue, on which sqlite3's own sink checks.

Each call runs in the context of whoever made it, also on a connection that was opened at start-up.
The thread itself belongs to no request, whoever started it.
"""

from __future__ import annotations

import contextvars
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import wrapt

from stockade.core.context import variable
from stockade.firewall.callers import frames, waiting

__all__ = ["install", "uninstall"]

_undo: Callable[[], None] | None = None
_active = False
_registered = False


def _wrap(module: Any) -> None:
    global _undo
    if not _active or _undo is not None:
        return
    connection = module.Connection
    execute, start = connection._execute, connection.__await__

    def _execute(self: Any, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Awaitable[Any]:
        carried = contextvars.copy_context()
        carried.run(waiting.set, tuple(frames()))  # a frame that is suspended knows no caller
        result: Awaitable[Any] = execute(self, carried.run, fn, *args, **kwargs)
        return result

    def __await__(self: Any) -> Any:  # noqa: N807 - starts the thread, then waits
        token = variable.set(None)
        try:
            return start(self)
        finally:
            variable.reset(token)

    def undo() -> None:
        connection._execute, connection.__await__ = execute, start

    connection._execute, connection.__await__ = _execute, __await__
    _undo = undo


def install() -> None:
    """Carry the context of each call, now or once aiosqlite is imported."""
    global _active, _registered
    _active = True
    if _registered:
        if "aiosqlite.core" in sys.modules:
            _wrap(sys.modules["aiosqlite.core"])
        return
    _registered = True
    wrapt.register_post_import_hook(_wrap, "aiosqlite.core")


def uninstall() -> None:
    """Give aiosqlite its own methods back."""
    global _active, _undo
    _active = False
    if _undo is not None:
        _undo()
        _undo = None

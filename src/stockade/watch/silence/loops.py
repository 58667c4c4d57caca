"""What event loops give up on: tasks and futures whose exception nobody takes, failing callbacks.

The methods of the loop classes are replaced, not a loop's exception handler: so it holds for every
loop, also one that runs already, whatever handler the application sets, which is called as before.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from typing import Any, Protocol

import wrapt

from stockade.core import code_site
from stockade.core.context import RequestContext, variable
from stockade.watch.silence.hook import Hook
from stockade.watch.silence.reporter import Failure, Reporter

__all__ = ["Loops", "Watcher"]

_RULES = {
    "Task exception was never retrieved": (
        "silence.task",
        "A task failed, and nobody took its exception.",
    ),
    "unhandled exception during asyncio.run() shutdown": (
        "silence.task",
        "A task failed, and nobody took its exception.",
    ),
    "Future exception was never retrieved": (
        "silence.future",
        "A future failed, and nobody took its exception.",
    ),
    "Exception in callback": ("silence.callback", "A callback of the event loop failed."),
    "Task was destroyed but it is pending!": (
        "silence.lost-task",
        "A task was thrown away before it had ended: nobody held on to it.",
    ),
}
_OTHER = ("silence.loop", "The event loop met an error that nobody handles.")


class Watcher(Protocol):
    """Who wants to know which loops run, and on which thread (`threading.get_ident`)."""

    def watch(self, loop: asyncio.AbstractEventLoop, thread: int) -> None: ...

    def forget(self, loop: asyncio.AbstractEventLoop) -> None: ...


class Loops:
    """The hooks on asyncio's loops and, where it is or will be imported, uvloop's."""

    def __init__(self, reporter: Reporter, watcher: Watcher | None = None) -> None:
        self._reporter = reporter
        self._watcher = watcher
        self._open = True
        self._hooks: list[Hook] = []
        self._hook(asyncio.BaseEventLoop)
        wrapt.register_post_import_hook(self._hook_uvloop, "uvloop")
        if watcher is not None:
            try:
                watcher.watch(asyncio.get_running_loop(), threading.get_ident())
            except RuntimeError:
                pass  # none runs here yet

    def undo(self) -> None:
        """Put the loops' own methods back."""
        self._open = False
        for hook in self._hooks:
            hook.undo()
        self._hooks = []

    def _hook_uvloop(self, module: Any) -> None:
        if self._open:
            self._hook(module.Loop)

    def _hook(self, loop_class: Any) -> None:
        self._hooks.append(Hook(loop_class, "call_exception_handler", self._handler))
        self._hooks.append(Hook(loop_class, "run_forever", self._running))

    def _handler(self, before: Callable[..., Any]) -> Callable[..., Any]:
        reporter = self._reporter

        def call_exception_handler(loop: Any, context: dict[str, Any]) -> Any:
            reporter.tell(_failure(context))
            return before(loop, context)

        return call_exception_handler

    def _running(self, before: Callable[..., Any]) -> Callable[..., Any]:
        def run_forever(loop: Any) -> Any:
            watcher = self._watcher if self._open else None
            self._reporter()
            if watcher is None:
                return before(loop)
            watcher.watch(loop, threading.get_ident())
            try:
                return before(loop)
            finally:
                watcher.forget(loop)

        return run_forever


def _failure(context: dict[str, Any]) -> Failure:
    """The failure that a loop tells of; its message is not used, for it holds `repr`s."""
    message = str(context.get("message", ""))
    rule, reason = next(
        (found for start, found in _RULES.items() if message.startswith(start)), _OTHER
    )
    error = context.get("exception")
    task = context.get("task") or context.get("future")
    return Failure.of(
        rule,
        reason,
        error if isinstance(error, BaseException) else None,
        raised=_begins(task),
        request=_request(task, context.get("handle")),
    )


def _begins(task: Any) -> str:
    """Where a task's coroutine is defined."""
    coroutine = task.get_coro() if isinstance(task, asyncio.Task) else None
    code = getattr(coroutine, "cr_code", None)
    frame = getattr(coroutine, "cr_frame", None)
    if code is None:
        return ""
    return code_site.of_code(code, "" if frame is None else frame.f_globals.get("__name__", ""))


def _request(task: Any, handle: Any) -> RequestContext | None:
    """The request that a task or callback worked for, where the interpreter tells (3.12)."""
    if sys.version_info >= (3, 12) and isinstance(task, asyncio.Task):
        return task.get_context().get(variable)
    carried = getattr(handle, "_context", None)
    return None if carried is None else carried.get(variable)

"""What the interpreter itself gives up on: the main thread, threads, destructors, lost coroutines.

By default each is some lines on standard error, which nobody reads in production. The hooks that
were there before are called as well, so that these lines stay.
"""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Callable
from types import CodeType, TracebackType
from typing import Any

from stockade.core import code_site
from stockade.core.context import RequestContext
from stockade.core.propagation import REQUEST
from stockade.watch.silence.hook import Hook
from stockade.watch.silence.reporter import Failure, Reporter

__all__ = ["hooks"]


def hooks(reporter: Reporter) -> list[Hook]:
    """Install them all; each may be undone."""
    installed = [
        Hook(sys, "excepthook", lambda before: _main(before, reporter)),
        Hook(threading, "excepthook", lambda before: _thread(before, reporter)),
        Hook(sys, "unraisablehook", lambda before: _destructor(before, reporter)),
    ]
    # CPython calls this one by name. A filter may silence the warning, or show it once; not this.
    if hasattr(warnings, "_warn_unawaited_coroutine"):
        name = "_warn_unawaited_coroutine"
        installed.append(Hook(warnings, name, lambda before: _never_awaited(before, reporter)))
    return installed


def _main(before: Callable[..., Any], reporter: Reporter) -> Callable[..., Any]:
    def excepthook(
        kind: type[BaseException], error: BaseException, at: TracebackType | None
    ) -> None:
        if not issubclass(kind, KeyboardInterrupt):
            reason = "The main thread ended with an exception that nobody handled."
            reporter.tell(Failure.of("app.main-thread", reason, error, name="sys_crash"))
        before(kind, error, at)

    return excepthook


def _thread(before: Callable[..., Any], reporter: Reporter) -> Callable[..., Any]:
    def excepthook(args: threading.ExceptHookArgs) -> None:
        if not issubclass(args.exc_type, SystemExit):
            reporter()
            reason = "A thread ended with an exception that nobody handled."
            request = getattr(args.thread, REQUEST, None)
            reporter.tell(
                Failure.of(
                    "silence.thread",
                    reason,
                    args.exc_value,
                    request=request if isinstance(request, RequestContext) else None,
                )
            )
        before(args)

    return excepthook


def _destructor(before: Callable[..., Any], reporter: Reporter) -> Callable[..., Any]:
    def unraisablehook(unraisable: sys.UnraisableHookArgs) -> None:
        reason = "A destructor, or a callback that cannot raise, failed."
        reporter.tell(
            Failure.of("silence.destructor", reason, unraisable.exc_value, of=_name(unraisable))
        )
        before(unraisable)

    return unraisablehook


def _name(unraisable: sys.UnraisableHookArgs) -> str:
    """What failed, by its definition; its `repr` may hold values."""
    name = getattr(unraisable.object, "__qualname__", None)
    if not isinstance(name, str):
        name = type(unraisable.object).__qualname__
    return name


def _never_awaited(before: Callable[..., Any], reporter: Reporter) -> Callable[..., Any]:
    def warn_unawaited_coroutine(coroutine: Any) -> None:
        code: CodeType | None = getattr(coroutine, "cr_code", None)
        frame = getattr(coroutine, "cr_frame", None)
        module = "" if frame is None else frame.f_globals.get("__name__", "")
        reason = "A coroutine was made and never awaited: its code never ran."
        site = "" if code is None else code_site.of_code(code, module)
        reporter.tell(Failure.of("silence.never-awaited", reason, raised=site))
        before(coroutine)

    return warn_unawaited_coroutine

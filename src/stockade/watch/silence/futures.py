"""Futures of thread and process pools whose exception nobody takes.

`executor.submit(work)` without `result()` loses whatever `work` raised, without a word: unlike
asyncio's, these futures have no destructor. A future that fails gets a small companion that goes
with it, and tells if nobody has looked by then. Futures that succeed pay nothing for it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from stockade.watch.silence.hook import Hook
from stockade.watch.silence.reporter import Failure, Reporter

__all__ = ["hooks"]

_POOLS = ("concurrent.futures.thread", "concurrent.futures.process")
_COMPANION = "_stockade_unseen"
_REASON = "Work that was handed to a pool failed, and nobody took its exception."


def hooks(reporter: Reporter) -> list[Hook]:
    """Watch the futures that fail from now on."""
    return [
        Hook(Future, "set_exception", lambda before: _failing(before, reporter)),
        Hook(Future, "result", _taken_by_result),
        Hook(Future, "exception", _taken_by_exception),
    ]


def _caller() -> object:
    """The module that called the function that asks."""
    return sys._getframe(2).f_globals.get("__name__")


class _Unseen:
    """Lives as long as its future; `failure` is None once somebody has taken the exception."""

    __slots__ = ("failure", "reporter")

    def __init__(self, failure: Failure, reporter: Reporter) -> None:
        self.failure: Failure | None = failure
        self.reporter = reporter

    def __del__(self) -> None:
        if self.failure is not None:
            self.reporter.tell(self.failure)


def _failing(before: Callable[..., Any], reporter: Reporter) -> Callable[..., Any]:
    def set_exception(future: Any, exception: BaseException | None) -> Any:
        # Only what was handed to a pool: libraries make futures of their own, and know why.
        if exception is not None and _caller() in _POOLS:
            # Before anybody who waits can take it.
            failure = Failure.of("silence.pool", _REASON, exception)
            setattr(future, _COMPANION, _Unseen(failure, reporter))
        return before(future, exception)

    return set_exception


def _taken_by_result(before: Callable[..., Any]) -> Callable[..., Any]:
    def result(self: Any, timeout: float | None = None) -> Any:
        try:
            return before(self, timeout)
        except BaseException:
            _seen(self)
            raise

    return result


def _taken_by_exception(before: Callable[..., Any]) -> Callable[..., Any]:
    def exception(self: Any, timeout: float | None = None) -> Any:
        error = before(self, timeout)
        if error is not None:
            _seen(self)
        return error

    return exception


def _seen(future: Any) -> None:
    companion = getattr(future, _COMPANION, None)
    # A time-out may come first: only a future that has ended has shown its exception.
    if isinstance(companion, _Unseen) and future.done():
        companion.failure = None

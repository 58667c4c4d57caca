"""Time limits for asyncio: the task that works for a request is cancelled once, at its deadline.

What `asyncio.timeout` does, for less: a timer that is set once a request, not an object an `await`.
Where no asyncio loop runs (hypercorn on trio), there is no limit.
"""

from __future__ import annotations

import asyncio
from typing import Any

__all__ = ["BodyDeadline", "Deadline"]

SLOWEST = 500.0
"""Bytes a second that buy a body more time (as Apache's RequestReadTimeout has it)."""


class Deadline:
    """Cancels the task that made it after some seconds, unless stopped before."""

    __slots__ = ("_task", "_timer", "passed")

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[Any] | None = None
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        self._task = asyncio.current_task()
        self._timer = loop.call_later(seconds, self._pass)

    def _pass(self) -> None:
        self._timer = None
        if self._task is not None:
            self.passed = True
            self._task.cancel()

    def stop(self) -> None:
        """Cancel nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._task = None

    def took(self) -> bool:
        """Whether a CancelledError just caught is this deadline's; takes it back."""
        if not self.passed or self._task is None:
            return False
        self._task.uncancel()
        self.stop()
        return True


class BodyDeadline(Deadline):
    """The same for a body, which may arrive in any task: each 500 bytes buy a second more."""

    __slots__ = ("_received", "_waiting", "_window")

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self._received = 0
        self._waiting = False
        self._window = seconds

    def wait(self) -> None:
        """The calling task waits for the body from now on: only then it may be cancelled."""
        self._waiting = True
        if self._task is not None:
            self._task = asyncio.current_task()

    def came(self, size: int) -> None:
        """So many bytes have come."""
        self._waiting = False
        self._received += size

    def _pass(self) -> None:
        earned, self._received = self._received / SLOWEST, 0
        if earned >= 1.0 or not self._waiting:
            seconds = max(1.0, min(earned, self._window))
            self._timer = asyncio.get_running_loop().call_later(seconds, self._pass)
            return
        super()._pass()

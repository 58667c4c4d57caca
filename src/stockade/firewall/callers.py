"""Whose call a sink is serving: the frames of the calling code, across the hops that hide them.

An ordinary stack is followed by `f_back`. SQLAlchemy's asyncio layer runs a driver in a greenlet,
whose stack begins anew; aiosqlite runs it on a thread of its own. Both are followed to the code
that waits for them.
"""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterator
from contextvars import ContextVar
from functools import lru_cache
from types import FrameType
from typing import Any

__all__ = ["call_path", "call_site", "frames", "waiting"]

waiting: ContextVar[tuple[FrameType, ...]] = ContextVar("stockade_waiting", default=())
"""The frames that wait for what runs on another thread: set by sinks that hop between threads."""

_MAX_FRAMES = 120
_PLUMBING = tuple(
    {
        path
        for name, path in sysconfig.get_paths().items()
        if name in ("stdlib", "platstdlib", "purelib", "platlib")
    }
)


def frames() -> Iterator[FrameType]:
    """The frames of the calling code, innermost first, without Stockade's own."""
    frame: FrameType | None = sys._getframe(1)
    greenlet = _current_greenlet()
    for _ in range(_MAX_FRAMES):
        if frame is None:
            if greenlet is not None and (greenlet := greenlet.parent) is not None:
                frame = greenlet.gr_frame
            if frame is None:
                yield from waiting.get()
                return
        if not frame.f_globals.get("__name__", "").startswith("stockade."):
            yield frame
        frame = frame.f_back


def _current_greenlet() -> Any:
    module = sys.modules.get("greenlet")
    return module.getcurrent() if module is not None else None


def call_site() -> str:
    """Module, function and line of the application's code that reached the sink.

    The innermost frame outside the standard library and installed packages; where there is none
    (an application that is itself an installed package), the innermost of all.
    """
    innermost = None
    for frame in frames():
        if not _is_plumbing(frame.f_code.co_filename):
            return _name(frame)
        innermost = innermost or frame
    return _name(innermost) if innermost is not None else ""


def call_path() -> int:
    """A number for the way through the application's code that led to the sink: each call of it."""
    path: list[object] = []
    frame: FrameType | None = sys._getframe(1)
    for _ in range(_MAX_FRAMES):
        if frame is None:
            break
        code = frame.f_code
        if not _is_plumbing(code.co_filename):
            # Not the line, which has to be looked up in a table.
            path += (code.co_filename, code.co_firstlineno, frame.f_lasti)
        frame = frame.f_back
    return hash(tuple(path))


def _name(frame: FrameType) -> str:
    return f"{frame.f_globals.get('__name__', '?')}:{frame.f_code.co_qualname}:{frame.f_lineno}"


@lru_cache(maxsize=4_096)
def _is_plumbing(filename: str) -> bool:
    return filename.startswith(("<", *_PLUMBING))

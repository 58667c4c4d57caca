"""Where something was raised or runs, as `module:function:line`: all of it the program's own text.

Messages, arguments and local variables may hold what a client sent, so nothing of them is here.
"""

from __future__ import annotations

from collections import deque
from types import CodeType, FrameType

__all__ = ["kind", "of_code", "raised", "stack", "trace"]


def kind(error: type[BaseException]) -> str:
    """The name of an exception's class, with its module."""
    return f"{error.__module__}.{error.__qualname__}"


def raised(error: BaseException | None) -> str:
    """Where `error` was raised; empty where it never was."""
    where = None if error is None else error.__traceback__
    if where is None:
        return ""
    while where.tb_next is not None:
        where = where.tb_next
    return _site(where.tb_frame, where.tb_lineno)


def stack(frame: FrameType | None, most: int = 16) -> list[str]:
    """The innermost `most` frames of a stack, the innermost first."""
    sites: list[str] = []
    while frame is not None and len(sites) < most:
        sites.append(_site(frame, frame.f_lineno))
        frame = frame.f_back
    return sites


def trace(error: BaseException, most: int = 16) -> list[str]:
    """The innermost `most` frames that `error` came through, the innermost first."""
    sites: deque[str] = deque(maxlen=most)
    where = error.__traceback__
    while where is not None:
        sites.appendleft(_site(where.tb_frame, where.tb_lineno))
        where = where.tb_next
    return list(sites)


def of_code(code: CodeType, module: str = "") -> str:
    """Where a function begins; `module` where its code does not say."""
    return f"{module or '?'}:{code.co_qualname}:{code.co_firstlineno}"


def _site(frame: FrameType, line: int | None) -> str:
    module = frame.f_globals.get("__name__", "?")
    return f"{module}:{frame.f_code.co_qualname}:{line or frame.f_code.co_firstlineno}"

"""Texts that stand in the code of the callers: the developer wrote them, whatever a request says.

Only whole texts count. To excuse a *part* of a text because it also stands in the code would let an
attacker quote the application against itself.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from types import CodeType, FrameType, ModuleType

from stockade.core.context import variable

__all__ = ["is_constant"]

_MAX_FRAMES = 80
_MIN_LENGTH = 6


def is_constant(text: str) -> bool:
    """Whether the code of a module on the calling stack holds exactly `text` as a string."""
    if len(text) < _MIN_LENGTH:
        return False
    frame: FrameType | None = sys._getframe(1)
    seen: set[str] = set()
    for _ in range(_MAX_FRAMES):
        if frame is None:
            break
        if text in frame.f_code.co_consts or text in _texts(frame.f_code.co_consts):
            return True
        name = frame.f_globals.get("__name__")
        if isinstance(name, str):
            seen.add(name)
        frame = frame.f_back
    # Reading a module's code opens files, which is not this request's doing.
    token = variable.set(None)
    try:
        return any(text in _strings_of(name) for name in seen if not name.startswith("stockade."))
    finally:
        variable.reset(token)


@lru_cache(maxsize=512)
def _strings_of(module: str) -> frozenset[str]:
    """Every string constant in the code of a module, its functions and classes.

    The module's *code* is read again, not its namespace: a variable may hold a request's value.
    """
    loaded: ModuleType | None = sys.modules.get(module)
    spec = getattr(loaded, "__spec__", None)
    get_code = getattr(getattr(spec, "loader", None), "get_code", None)
    if get_code is None or spec is None:
        return frozenset()
    try:
        code = get_code(spec.name)
    except (ImportError, OSError, SyntaxError, ValueError):
        return frozenset()  # no source to read: then the text is not known to be the developer's
    found: set[str] = set()
    todo = [code] if isinstance(code, CodeType) else []
    while todo:
        for constant in todo.pop().co_consts:
            if isinstance(constant, CodeType):
                todo.append(constant)
            else:
                found.update(_texts((constant,)))
    return frozenset(text for text in found if len(text) >= _MIN_LENGTH)


def _texts(constants: Iterable[object]) -> Iterator[str]:
    """The strings among `constants`; allow-lists written in place are tuples and frozensets."""
    for constant in constants:
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, tuple | frozenset):
            yield from _texts(constant)

"""Texts and names that stand in the code of the callers: the developer wrote them.

Only whole texts count. To excuse a *part* of a text because it also stands in the code would let an
attacker quote the application against itself.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from types import CodeType, ModuleType
from typing import NamedTuple

from stockade.core.context import variable
from stockade.firewall.callers import frames

__all__ = ["is_constant", "is_name"]

_MIN_LENGTH = 6


def is_constant(text: str) -> bool:
    """Whether the code of a module on the calling stack holds exactly `text` as a string."""
    if len(text) < _MIN_LENGTH:
        return False
    modules: set[str] = set()
    for frame in frames():
        constants = frame.f_code.co_consts
        if text in constants or text in _texts(constants):
            return True
        modules.add(frame.f_globals.get("__name__", ""))
    return any(text in _code_of(module).texts for module in modules)


def is_name(name: str) -> bool:
    """Whether the calling code reads a value by `name`, as a string or as a parameter's name.

    Then the developer chose that name, and it may be shown; any other the client made up.
    """
    modules = set()
    for frame in frames():
        if name in frame.f_code.co_varnames or name in frame.f_code.co_consts:
            return True
        modules.add(frame.f_globals.get("__name__", ""))
    return any(name in code.names or name in code.texts for code in map(_code_of, modules))


class _Code(NamedTuple):
    """Every string constant in the code of a module, its functions and classes; and their names."""

    texts: frozenset[str]
    names: frozenset[str]


_NONE = _Code(frozenset(), frozenset())


def _code_of(module: str) -> _Code:
    # Reading a module's code opens files, which is not this request's doing.
    token = variable.set(None)
    try:
        return _read_code(module)
    finally:
        variable.reset(token)


@lru_cache(maxsize=512)
def _read_code(module: str) -> _Code:
    """The module's *code* is read again, not its namespace: a variable may hold a value."""
    loaded: ModuleType | None = sys.modules.get(module)
    spec = getattr(loaded, "__spec__", None)
    get_code = getattr(getattr(spec, "loader", None), "get_code", None)
    if get_code is None or spec is None:
        return _NONE
    try:
        code = get_code(spec.name)
    except (ImportError, OSError, SyntaxError, ValueError):
        return _NONE  # no source to read: then nothing is known to be the developer's
    texts: set[str] = set()
    names: set[str] = set()
    todo = [code] if isinstance(code, CodeType) else []
    while todo:
        code = todo.pop()
        names.update(code.co_varnames)
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                todo.append(constant)
            else:
                texts.update(_texts((constant,)))
    return _Code(frozenset(texts), frozenset(names))


def _texts(constants: Iterable[object]) -> Iterator[str]:
    """The strings among `constants`; allow-lists written in place are tuples and frozensets."""
    for constant in constants:
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, tuple | frozenset):
            yield from _texts(constant)

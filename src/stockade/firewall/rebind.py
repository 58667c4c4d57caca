"""Replace a function or class wherever it is bound, so that `protect` works in any import order."""

from __future__ import annotations

import sys
from abc import ABCMeta
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["StandIn", "adopt", "at_once", "rebind"]


_waiting: dict[int, tuple[object, object]] | None = None


@contextmanager
def at_once() -> Iterator[None]:
    """Do all that `rebind` is asked for inside the block in one walk, at its end."""
    global _waiting
    _waiting = {}
    try:
        yield
    finally:
        waiting, _waiting = _waiting, None
        _walk(waiting)


def rebind(replacements: Iterable[tuple[object, object]]) -> None:
    """Point every module attribute that *is* the first of a pair to the second.

    Reaches `from sqlite3 import connect` in modules that were imported before. It does not reach
    locals, closures, default arguments or attributes of objects.
    """
    by_id = {id(pair[0]): pair for pair in replacements}  # the pair keeps its object alive
    if _waiting is None:
        _walk(by_id)
    else:
        _waiting.update(by_id)


def _walk(by_id: dict[int, tuple[object, object]]) -> None:
    ids = by_id.keys()
    for module in list(sys.modules.values()):
        namespace = getattr(module, "__dict__", None)
        # In one step, for a large application has a hundred thousand names.
        if not isinstance(namespace, dict) or ids.isdisjoint(map(id, namespace.values())):
            continue
        if module.__name__.startswith("stockade."):
            continue
        for name, value in list(namespace.items()):
            if id(value) in by_id:
                namespace[name] = by_id[id(value)][1]


def adopt(derived: type, old: type, new: type) -> bool:
    """Put `new` in the place of the base `old` of a class; False where its layout forbids that."""
    try:
        derived.__bases__ = tuple(new if base is old else base for base in derived.__bases__)
    except TypeError:
        return False
    return True


class StandIn(ABCMeta):
    """Metaclass of a subclass that takes the place of its base, `stands_in_for`, under its name.

    What is an instance or subclass of the base is then one of the stand-in, as libraries that test
    for it expect. Derived from ABCMeta, so that abstract classes may derive from the stand-in.
    """

    def __instancecheck__(cls, instance: Any) -> bool:
        return type.__instancecheck__(vars(cls).get("stands_in_for", cls), instance)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return type.__subclasscheck__(vars(cls).get("stands_in_for", cls), subclass)

"""Replace a function or class wherever it is bound, so that `protect` works in any import order."""

from __future__ import annotations

import sys
from abc import ABCMeta
from typing import Any

__all__ = ["StandIn", "adopt", "rebind"]


def rebind(original: object, replacement: object) -> int:
    """Point every module attribute that *is* `original` to `replacement`; how many there were.

    Reaches `from sqlite3 import connect` in modules that were imported before. It does not reach
    locals, closures, default arguments or attributes of objects.
    """
    count = 0
    for module in list(sys.modules.values()):
        namespace = getattr(module, "__dict__", None)
        if not isinstance(namespace, dict) or module.__name__.startswith("stockade."):
            continue
        for name, value in list(namespace.items()):
            if value is original:
                namespace[name] = replacement
                count += 1
    return count


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

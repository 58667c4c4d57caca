"""Replace a function wherever it is already bound, so that `protect` works in any import order."""

from __future__ import annotations

import sys

__all__ = ["rebind"]


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

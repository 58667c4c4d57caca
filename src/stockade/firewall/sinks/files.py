"""Files: whatever CPython reports as `open` (open, os.open, pathlib, shutil, tempfile …).

C extensions that open files themselves (lxml, ssl, sqlite's ATTACH) are not seen here.
"""

from __future__ import annotations

import os
from typing import Any

from stockade.core.context import current
from stockade.firewall import hook
from stockade.firewall.engine import Guard

__all__ = ["install", "uninstall"]

_guard: Guard | None = None


def _on_open(arguments: tuple[Any, ...]) -> None:
    path = arguments[0]
    # Most opens happen outside requests (imports): they leave first.
    if current() is None or _guard is None or type(path) is int:
        return
    _guard(path if type(path) is str else os.fsdecode(path))


def install(guard: Guard) -> None:
    """Guard every file that Python code opens while it works for a request."""
    global _guard
    _guard = guard
    hook.listen("open", _on_open)


def uninstall() -> None:
    """Check no path any more."""
    global _guard
    _guard = None
    hook.withdraw("open")

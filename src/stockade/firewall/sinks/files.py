"""Files: whatever CPython reports when it opens, lists, moves, links, changes or removes one.

C extensions that open files themselves (lxml, ssl, sqlite's ATTACH) are not seen here, nor is a
mere look (`os.stat`, `os.path.exists`), which CPython does not report.
"""

from __future__ import annotations

import os
import tempfile
from typing import Any

from stockade.core.context import current
from stockade.firewall import hook
from stockade.firewall.engine import Guard

__all__ = ["install", "uninstall"]

_guard: Guard | None = None
_ONE_PATH = (
    "open",
    "os.chmod",
    "os.chown",
    "os.listdir",
    "os.mkdir",
    "os.remove",
    "os.rmdir",
    "os.scandir",
    "os.truncate",
    "os.utime",
)
_TWO_PATHS = ("os.link", "os.rename", "os.symlink")


def _check(path: Any) -> None:
    if _guard is None or path is None or type(path) is int:
        return
    if type(path) is str:
        _guard(path)
        return
    path = os.fspath(path)
    _guard(os.fsdecode(path))
    # An application that makes bytes of a value itself need not encode it as the file system does.
    if isinstance(path, bytes) and not path.isascii():
        _guard(path.decode("latin-1"))


def _on_open(arguments: tuple[Any, ...]) -> None:
    # `tempfile` opens its folder itself to make a file without a name in it, and a request may well
    # hold `/tmp` by chance. There is nothing to read or write in a folder that is opened as a file.
    if arguments[0] != tempfile.tempdir:
        _on_path(arguments)


def _on_path(arguments: tuple[Any, ...]) -> None:
    # Most opens happen outside requests (imports): they leave first.
    if current() is not None:
        _check(arguments[0])


def _on_paths(arguments: tuple[Any, ...]) -> None:
    if current() is not None:
        _check(arguments[0])
        _check(arguments[1])


def install(guard: Guard) -> None:
    """Guard every file that Python code touches while it works for a request."""
    global _guard
    _guard = guard
    for event in _ONE_PATH:
        hook.listen(event, _on_open if event == "open" else _on_path)
    for event in _TWO_PATHS:
        hook.listen(event, _on_paths)


def uninstall() -> None:
    """Check no path any more."""
    global _guard
    _guard = None
    for event in (*_ONE_PATH, *_TWO_PATHS):
        hook.withdraw(event)

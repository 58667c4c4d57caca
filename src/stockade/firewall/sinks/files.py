"""Files: whatever CPython reports when it opens, lists, moves, links, changes or removes one.

Most calls of `shutil`, `tempfile`, `pathlib` and `os.walk` end in one of the events below and need
none of their own. Patterns do: the folders that a glob lists no longer show what it was asked for.

Silent in CPython, and so not seen: `os.stat`, `os.access`, `os.path.exists`, `os.readlink`,
`os.statvfs`, `os.mkfifo`, `os.mknod`, `os.chroot`, `file_actions` of `os.posix_spawn`; and files
that C code opens by itself (lxml, ssl, dbm, a library that `ctypes` calls). What SQLite attaches
is read from its statements in `sqlite_files`. `tempfile` resolves a relative `dir` by itself, so
that no `..` is left to be seen. A symbolic link that stands below the folder already
leads wherever it leads.
"""

from __future__ import annotations

import os
import tempfile
from typing import Any
from urllib.parse import unquote

from stockade.core.context import current
from stockade.firewall import hook
from stockade.firewall.engine import Guard

__all__ = ["check", "check_database", "install", "uninstall"]

_guard: Guard | None = None
_ONE_PATH = (
    "ctypes.dlopen",
    "glob.glob",
    "os.chdir",
    "os.chflags",
    "os.chmod",
    "os.chown",
    "os.getxattr",
    "os.listdir",
    "os.listxattr",
    "os.mkdir",
    "os.remove",
    "os.removexattr",
    "os.rmdir",
    "os.scandir",
    "os.setxattr",
    "os.truncate",
    "os.utime",
)
_TWO_PATHS = ("os.link", "os.rename", "os.symlink")
_JOINED = ("pathlib.Path.glob", "pathlib.Path.rglob")


def check(path: Any) -> None:
    """Let a path be used, in any form that the interpreter takes, or raise Blocked."""
    if _guard is None or path is None or type(path) is int:
        return
    if type(path) is not str:
        if isinstance(path, (bytearray, memoryview)):
            path = bytes(path)
        try:
            path = os.fspath(path)
        except TypeError:  # a number after all, or what the operation itself will refuse
            return
        # An application that makes bytes of a value itself need not encode it as the system does.
        if isinstance(path, bytes):
            if not path.isascii():
                _guard.check(path.decode("latin-1"))
            path = os.fsdecode(path)
    _guard.check(path)


def check_database(name: Any) -> None:
    """As `check`, for a file that SQLite is to open: also the path in a `file:` address.

    Whether addresses are in use, only the connection knows; a file of such a name is rare.
    """
    check(name)
    try:
        text = os.fsdecode(name)
    except TypeError:
        return
    if text[:5] == "file:":
        path = text[5:].partition("#")[0].partition("?")[0]
        if path[:2] == "//":
            path = "/" + path[2:].partition("/")[2]
        check(unquote(path))


def _on_open(arguments: tuple[Any, ...]) -> None:
    # `tempfile` opens its folder itself to make a file without a name in it, and a request may well
    # hold `/tmp` by chance. There is nothing to read or write in a folder that is opened as a file.
    if arguments[0] != tempfile.tempdir:
        _on_path(arguments)


def _on_path(arguments: tuple[Any, ...]) -> None:
    # Most opens happen outside requests (imports): they leave first.
    if current() is not None:
        check(arguments[0])


def _on_paths(arguments: tuple[Any, ...]) -> None:
    if current() is not None:
        check(arguments[0])
        check(arguments[1])


def _on_joined(arguments: tuple[Any, ...]) -> None:
    if current() is not None:
        check(os.path.join(*map(os.fspath, arguments[:2])))


def _on_database(arguments: tuple[Any, ...]) -> None:
    if current() is not None:
        check_database(arguments[0])


def _on_extension(arguments: tuple[Any, ...]) -> None:
    if current() is not None:
        check(arguments[1])


_HANDLERS: dict[str, hook.Handler] = {
    **dict.fromkeys(_ONE_PATH, _on_path),
    **dict.fromkeys(_TWO_PATHS, _on_paths),
    **dict.fromkeys(_JOINED, _on_joined),
    "open": _on_open,
    "sqlite3.connect": _on_database,
    "sqlite3.load_extension": _on_extension,
}


def install(guard: Guard) -> None:
    """Guard every file that Python code touches while it works for a request."""
    global _guard
    _guard = guard
    for event, handler in _HANDLERS.items():
        hook.listen(event, handler)


def installed() -> bool:
    """Whether files are guarded."""
    return _guard is not None


def uninstall() -> None:
    """Check no path any more."""
    global _guard
    _guard = None
    for event in _HANDLERS:
        hook.withdraw(event)

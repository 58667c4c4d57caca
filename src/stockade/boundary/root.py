"""A folder whose files clients may name: the kernel itself keeps every name inside it.

`Root("uploads").open(name)` resolves the name below the folder in one system call that follows no
link (openat2 with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS), so that nothing can be moved between a
check and the use. Where that call is missing, the name is walked component by component from the
folder's descriptor, each opened with O_NOFOLLOW.

It does not see hard links and mounts inside the folder: who may make those, owns the host.

Sources: openat2(2); POSIX.1-2024, openat; CWE-22, CWE-59, CWE-367; ASVS 5.0 V5.3.2.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import IO, Any, Final

from pydantic_core import PydanticCustomError

from stockade.boundary.types.relative_path import relative_path
from stockade.core.bus import emit
from stockade.core.errors import Rejected
from stockade.core.events import Outcome

__all__ = ["Root"]

_OPENAT2: Final = 437  # the same on every architecture: it is younger than their differences
_NO_MAGIC_LINKS, _NO_SYMLINKS, _BENEATH = 0x02, 0x04, 0x08
_FLAGS = {
    "r": os.O_RDONLY,
    "w": os.O_WRONLY | os.O_CREAT | os.O_TRUNC,
    "a": os.O_WRONLY | os.O_CREAT | os.O_APPEND,
    "x": os.O_WRONLY | os.O_CREAT | os.O_EXCL,
}
_LEADS_OUT = frozenset((errno.EXDEV, errno.ELOOP))
_UNSUPPORTED = frozenset((errno.ENOSYS, errno.EPERM, errno.EINVAL, errno.E2BIG))
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_TRIES = 16
_DETAIL = "The name does not name a file of this folder."


class _How(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


class Root:
    """An open folder. Close it, or use it in a `with`; it may also live as long as the process."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Raises OSError where `path` is no folder that can be opened."""
        self._fd = os.open(path, _FOLDER)
        self._kernel = hasattr(os, "O_PATH")  # Linux

    def open(self, name: str, mode: str = "r", **how: Any) -> IO[Any]:
        """Open the regular file `name`, as the built-in `open`; new ones are the owner's alone.

        `name` is a RelativePath. Raises Rejected, and emits an event, for a name that leads out, is
        no such path, passes a link or leads to what is no file; FileNotFoundError and the like as
        `open` does.
        """
        kind = mode.replace("b", "").replace("t", "")
        flags = _FLAGS[kind[0]]
        if "+" in kind:
            flags = flags & ~(os.O_RDONLY | os.O_WRONLY) | os.O_RDWR
        # Truncated only when it is known to be a file; not waiting for the writer of a pipe.
        descriptor = self._descriptor(name, flags & ~os.O_TRUNC | os.O_NONBLOCK)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise _refusal("file")
            os.set_blocking(descriptor, True)
            if flags & os.O_TRUNC:
                os.truncate(descriptor, 0)
            return os.fdopen(descriptor, mode, **how)
        except BaseException:
            os.close(descriptor)
            raise

    def remove(self, name: str) -> None:
        """Remove the file `name`. Raises as `open`."""
        with self._parent(name) as (folder, last):
            os.unlink(last, dir_fd=folder)

    def make_folder(self, name: str) -> None:
        """Make the folder `name`, for its owner alone. Raises as `open`."""
        with self._parent(name) as (folder, last):
            os.mkdir(last, 0o700, dir_fd=folder)

    def names(self, name: str = "") -> list[str]:
        """What the folder, or the folder `name` in it, holds, sorted. Raises as `open`."""
        descriptor = self._descriptor(name, _FOLDER) if name else os.dup(self._fd)
        try:
            return sorted(os.listdir(descriptor))
        finally:
            os.close(descriptor)

    @contextmanager
    def counted(self, name: str = "") -> Iterator[tuple[int, int]]:
        """How many entries the folder, or the folder `name` in it, holds, and their bytes.

        Inside the block nobody else counts it, in this process or another. Raises as `open`.
        """
        descriptor = self._descriptor(name, _FOLDER) if name else self._resolve(".", _FOLDER)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            sizes = [
                os.stat(entry, dir_fd=descriptor, follow_symlinks=False).st_size
                for entry in os.listdir(descriptor)
            ]
            yield len(sizes), sum(sizes)
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Let go of the folder; calling it again changes nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Root:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    @contextmanager
    def _parent(self, name: str) -> Iterator[tuple[int, str]]:
        head, _, last = _checked(name).rpartition("/")
        folder = self._resolve(head, _FOLDER) if head else os.dup(self._fd)
        try:
            yield folder, last
        finally:
            os.close(folder)

    def _descriptor(self, name: str, flags: int) -> int:
        return self._resolve(_checked(name), flags | os.O_CLOEXEC | os.O_NOCTTY)

    def _resolve(self, name: str, flags: int) -> int:
        try:
            if self._kernel:
                try:
                    return _openat2(self._fd, name, flags)
                except OSError as error:
                    if error.errno not in _UNSUPPORTED:
                        raise
                    self._kernel = False
            return _walk(self._fd, name, flags)
        except OSError as error:
            if error.errno in _LEADS_OUT:
                raise _refusal("link") from None
            if error.errno == errno.ENXIO:  # a pipe without a reader, a socket
                raise _refusal("file") from None
            raise


def _checked(name: str) -> str:
    try:
        return relative_path(name)
    except PydanticCustomError:
        raise _refusal("name") from None


def _refusal(why: str) -> Rejected:
    rule = f"boundary.root-{why}"
    emit("input_validation_fail", Outcome.BLOCKED, "boundary", _DETAIL, rule=rule)
    return Rejected(_DETAIL, status=404, rule=rule)


def _openat2(folder: int, name: str, flags: int) -> int:
    resolve = _BENEATH | _NO_SYMLINKS | _NO_MAGIC_LINKS
    how = _How(flags, 0o600 if flags & os.O_CREAT else 0, resolve)
    path, code = os.fsencode(name), 0
    for _ in range(_TRIES):
        found: int = _libc.syscall(
            _OPENAT2, folder, path, ctypes.byref(how), ctypes.c_size_t(ctypes.sizeof(how))
        )
        if found >= 0:
            return found
        code = ctypes.get_errno()
        if code not in (errno.EAGAIN, errno.EINTR):  # a folder was moved meanwhile; a signal came
            break
    raise OSError(code, os.strerror(code), name)


def _walk(folder: int, name: str, flags: int) -> int:
    *folders, last = name.split("/")
    here = os.dup(folder)
    try:
        for each in folders:
            below = _open_one(each, _FOLDER, here)
            os.close(here)
            here = below
        return _open_one(last, flags, here)
    finally:
        os.close(here)


def _open_one(name: str, flags: int, folder: int) -> int:
    try:
        return os.open(name, flags | os.O_NOFOLLOW, 0o600, dir_fd=folder)
    except NotADirectoryError:  # said of links as well, where a folder is asked for
        if stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from None
        raise


_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long

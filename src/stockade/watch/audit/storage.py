"""Where tiles and checkpoints are kept: the port, and a directory.

Tiles never change once written, so the port is small. Only `checkpoint` is replaced, whole.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from stockade.watch.audit import tiles

__all__ = ["Directory", "Storage"]

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
_READING = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_LARGEST = tiles.WIDTH * (2 + tiles.LONGEST)
"""Bytes of the largest file of a log, a bundle of entries, each behind its length."""
_SYNCS_AT_ONCE = 8


class Storage(Protocol):
    """Names are paths of tlog-tiles, `/` between their parts. Errors: OSError."""

    def read(self, name: str) -> bytes | None:
        """The content; None where there is none of this name."""
        ...

    def write(self, name: str, data: bytes) -> None:
        """Make or replace, whole: a reader sees the old content or the new one."""
        ...

    def settle(self, names: Iterable[str]) -> None:
        """Return when these outlive a power cut."""
        ...

    def remove(self, names: Iterable[str]) -> None:
        """Remove what there is of these, and of what is below them."""
        ...

    def below(self, name: str) -> Sequence[str]:
        """The names directly below this one, without it and sorted."""
        ...


class Directory:
    """A `Storage` in a folder: files of mode 0600, folders of mode 0700, made where missing."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def __repr__(self) -> str:
        return f"Directory({str(self.path)!r})"

    def read(self, name: str) -> bytes | None:
        try:
            descriptor = os.open(self.path / name, _READING)
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            found = os.fstat(descriptor)
            if stat.S_ISDIR(found.st_mode):
                return None
            if not stat.S_ISREG(found.st_mode):
                raise OSError(errno.EINVAL, "no regular file stands in its place")
            if found.st_size > _LARGEST:
                raise OSError(errno.EFBIG, "it is larger than any file of a log")
            with open(descriptor, "rb", closefd=False) as file:
                return file.read()
        finally:
            os.close(descriptor)

    def write(self, name: str, data: bytes) -> None:
        path = self.path / name
        # Always the same name, for there is one writer: what a crash leaves is used again.
        temporary = path.with_name(f".{path.name}.new")
        try:
            descriptor = os.open(temporary, _FLAGS, 0o600)
        except FileNotFoundError:
            _make_folders(path.parent)
            descriptor = os.open(temporary, _FLAGS, 0o600)
        try:
            with open(descriptor, "wb", buffering=0) as file:
                done = 0
                while done < len(data):
                    done += os.write(file.fileno(), data[done:] if done else data)
            os.rename(temporary, path)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise

    def settle(self, names: Iterable[str]) -> None:
        paths = [self.path / name for name in names]
        folders = {folder for path in paths for folder in self._folders(path)}
        _sync_all(paths)
        _sync_all(folders)

    def remove(self, names: Iterable[str]) -> None:
        for name in names:
            path = self.path / name
            if path.is_dir() and not path.is_symlink():  # whose content would be somebody else's
                self.remove([f"{name}/{below}" for below in self.below(name)])
                with contextlib.suppress(FileNotFoundError):  # gone with the last that was in it
                    path.rmdir()
            else:
                path.unlink(missing_ok=True)
                self._remove_empty(path.parent)

    def below(self, name: str) -> Sequence[str]:
        try:
            return sorted(os.listdir(self.path / name))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def _remove_empty(self, folder: Path) -> None:
        """What holds nothing any more: a search for the first bundle would end in there."""
        with contextlib.suppress(OSError):
            while folder != self.path:
                folder.rmdir()
                folder = folder.parent

    def _folders(self, path: Path) -> Iterable[Path]:
        """The folders in which the name stands, this one's own among them."""
        for folder in path.parents:
            yield folder
            if folder == self.path:
                return


def _make_folders(path: Path) -> None:
    if not path.is_dir():
        _make_folders(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)


def _sync_all(paths: Collection[Path]) -> None:
    if len(paths) > _SYNCS_AT_ONCE:
        try:
            # Together, for the file system then writes its own journal once for many of them.
            with ThreadPoolExecutor(_SYNCS_AT_ONCE, "stockade-audit-sync") as threads:
                list(threads.map(_sync, paths))
            return
        except RuntimeError:  # the interpreter is ending, or may have no more threads
            pass
    for path in paths:
        _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

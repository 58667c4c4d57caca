"""What the tests of files and archives share: folders, a secret beside them, ways to read a file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TypeAlias

import pytest

from stockade.firewall.engine import Mode
from stockade.firewall.sinks import archives
from tests.conftest import Request, Switch

SECRET = "the key under the mat"

Guarded: TypeAlias = Callable[[Mode], AbstractContextManager[None]]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "secret.txt").write_text(SECRET)
    public = tmp_path / "public"
    (public / "sub").mkdir(parents=True)
    (public / "a.txt").write_text("hello")
    (public / "sub" / "b.txt").write_text("below")
    return public


def by_open(path: str) -> str:
    with open(path) as file:
        return file.read()


def by_pathlib(path: str) -> str:
    return Path(path).read_text()


def by_descriptor(path: str) -> str:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, 100).decode()
    finally:
        os.close(descriptor)


def by_folder_descriptor(path: str) -> str:
    """Relative to an open folder, which the event of `os.open` does not tell."""
    folder = os.open(path[: path.index("public/") + 6], os.O_RDONLY)
    try:
        descriptor = os.open(path[path.index("public/") + 7 :], os.O_RDONLY, dir_fd=folder)
    finally:
        os.close(folder)
    try:
        return os.read(descriptor, 100).decode()
    finally:
        os.close(descriptor)


def by_copy(path: str) -> str:
    copy = shutil.copyfile(path, path + ".copy")
    try:
        return Path(copy).read_text()
    finally:
        os.unlink(copy)


def by_bytes(path: str) -> str:
    return by_open(os.fsencode(path))  # type: ignore[arg-type]


class PathLike:
    """A path that is neither a string nor pathlib's."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __fspath__(self) -> str:
        return self.path


def by_path_like(path: str) -> str:
    return by_open(PathLike(path))  # type: ignore[arg-type]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a destination in it, and a file that is none of the archive's business."""
    (tmp_path / "in").mkdir()
    (tmp_path / "secret").write_text("secret")
    return tmp_path


@pytest.fixture
def guarded(firewall: Switch, request_of: Request) -> Guarded:
    """Works for a request that brought nothing but the archive."""

    @contextmanager
    def guard(mode: Mode) -> Iterator[None]:
        with firewall(mode) as guards, request_of():
            archives.install(guards.path)
            try:
                yield
            finally:
                archives.uninstall()

    return guard

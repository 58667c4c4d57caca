"""Further ways to a file that CPython reports, each with its effect."""

from __future__ import annotations

import ctypes
import glob
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from stockade.core.errors import Blocked
from tests.conftest import Request, Switch
from tests.firewall.sinks.conftest import SECRET, by_open

Act = Callable[[str], object]


def done(act: Callable[..., None], *arguments: object) -> bool:
    act(*arguments)
    return True


def attribute(path: str) -> object:
    os.setxattr(path, "user.stockade", b"x")
    return os.listxattr(path)


def change_folder(path: str) -> str:
    before = os.getcwd()
    try:
        os.chdir(path)
        return by_open("secret.txt")
    finally:
        os.chdir(before)


def copy_tree(path: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        return by_open(f"{shutil.copytree(path, folder + '/copy')}/secret.txt")


def make_archive(path: str) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        made = shutil.make_archive(folder + "/all", "tar", path)
        return SECRET.encode() in Path(made).read_bytes()


def query(path: str) -> object:
    return sqlite3.connect(path).execute("SELECT secret FROM t").fetchone()[0]


def query_by_address(path: str) -> object:
    opened = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    return opened.execute("SELECT secret FROM t").fetchone()[0]


@pytest.mark.parametrize(
    ("act", "value"),
    [
        (glob.glob, "../*.txt"),
        (glob.glob, "../s[e]cret.txt"),
        (glob.glob, "sub/../../*"),
        (lambda path: glob.glob("*", root_dir=path), ".."),
        (lambda path: list(Path(path[:-8]).glob(path[-8:])), "../s*txt"),
        (lambda path: list(Path(path[:-8]).rglob(path[-8:])), "../s*txt"),
        (lambda path: next(os.walk(path))[2], ".."),
        (lambda path: next(os.fwalk(path))[2], ".."),
        (change_folder, ".."),
        (copy_tree, ".."),
        (make_archive, ".."),
        (query, "../rows.db"),
        (query_by_address, "../rows.db"),
        (query_by_address, "%2e%2e/rows.db"),
        (lambda path: os.getxattr(path, "user.stockade"), "../secret.txt"),
        (lambda path: tempfile.mkdtemp(prefix="../x", dir=path.removesuffix("../x")), "../x"),
        (lambda path: tempfile.mkdtemp(dir=path), ".."),
        (lambda path: done(shutil.copymode, __file__, path), "../secret.txt"),
        (lambda path: done(shutil.copystat, __file__, path), "../secret.txt"),
        (lambda path: done(shutil.chown, path, os.getuid()), "../secret.txt"),
        (lambda path: shutil.move(path, path + "2"), "../secret.txt"),
        (lambda path: done(os.removexattr, path, "user.stockade"), "../secret.txt"),
        (attribute, "../secret.txt"),
        (ctypes.CDLL, "../libsecret.so"),
    ],
    ids=range(24),
)
def test_every_way_out(
    act: Act, value: str, root: Path, request_of: Request, firewall: Switch
) -> None:
    os.setxattr(root.parent / "secret.txt", "user.stockade", b"x")
    with sqlite3.connect(root.parent / "rows.db") as rows:
        rows.execute("CREATE TABLE t AS SELECT 'key' AS secret")
    _copy_a_library(root.parent / "libsecret.so")
    with request_of(value):
        with firewall("block"), pytest.raises(Blocked):
            act(f"{root}/{value}")
        assert act(f"{root}/{value}")


def _copy_a_library(path: Path) -> None:
    for line in Path("/proc/self/maps").read_text().splitlines():
        if "/libc.so" in line or "/libc-" in line:
            shutil.copy(line.split()[-1], path)
            return
    pytest.skip("no C library to load twice")


def test_the_same_ways_below(root: Path, request_of: Request, firewall: Switch) -> None:
    with sqlite3.connect(root / "rows.db") as rows:
        rows.execute("CREATE TABLE t AS SELECT 'key' AS secret")
    with firewall("block"), request_of("sub", "*.txt", "rows.db", "a.txt", "s..", "..x", "**"):
        assert glob.glob(f"{root}/*.txt") == [f"{root}/a.txt"]
        assert [path.name for path in root.glob("*.txt")] == ["a.txt"]
        assert sorted(path.name for path in root.rglob("*.txt")) == ["a.txt", "b.txt"]
        assert next(os.walk(f"{root}/sub"))[2] == ["b.txt"]
        assert query(f"{root}/rows.db") == query_by_address(f"{root}/rows.db") == "key"
        assert sqlite3.connect(":memory:").execute("SELECT 1").fetchone() == (1,)
        for name in ("s..", "..x"):
            descriptor, path = tempfile.mkstemp(prefix=name, suffix=name, dir=root)
            os.close(descriptor)
            assert Path(path).exists()
        before = os.getcwd()
        os.chdir(f"{root}/sub")
        os.chdir(before)
        ctypes.CDLL(None)


def test_numbers_are_no_paths(root: Path, request_of: Request, firewall: Switch) -> None:
    class Number:
        def __init__(self, number: int) -> None:
            self.number = number

        def __index__(self) -> int:
            return self.number

    with firewall("block"), request_of("../x"), open(root / "a.txt") as file:
        assert os.listdir(os.open(root, os.O_RDONLY))
        with open(Number(os.dup(file.fileno()))) as again:  # type: ignore[call-overload]
            assert again.read() == "hello"


@pytest.mark.filterwarnings("ignore:.*should be string, bytes:DeprecationWarning")
def test_bytes_that_are_no_bytes_object(root: Path, request_of: Request, firewall: Switch) -> None:
    value = "../secret.txt"
    path = bytearray(f"{root}/{value}".encode())
    with request_of(value):
        assert os.read(os.open(path, os.O_RDONLY), 100).decode() == SECRET  # type: ignore[arg-type]
        with firewall("block"), pytest.raises(Blocked):
            os.open(path, os.O_RDONLY)  # type: ignore[arg-type]


def test_a_folder_that_tempfile_resolves_itself_is_not_seen(
    root: Path, request_of: Request, firewall: Switch
) -> None:
    """Out of reach (path resolved and not checked): the path that is opened holds no `..`."""
    with firewall("block"), request_of(".."):
        descriptor, path = tempfile.mkstemp(dir=f"{root}/..")
    os.close(descriptor)
    assert Path(path).parent == root.parent
    with firewall("block"), request_of(str(root.parent)), pytest.raises(Blocked):
        tempfile.mkstemp(dir=str(root.parent))

"""Files and folders that are changed: what lies outside afterwards decides."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from stockade.core.errors import Blocked
from tests.conftest import Request, Switch


def remove(path: str) -> None:
    os.remove(path)


def move(path: str) -> None:
    os.rename(path, path + ".moved")


def move_here(path: str) -> None:
    os.replace(os.path.join(os.path.dirname(path), "a.txt"), path)


def link(path: str) -> None:
    os.link(path, path + ".link")


def symlink(path: str) -> None:
    os.symlink(path, path + ".link")


def shorten(path: str) -> None:
    os.truncate(path, 0)


def hide(path: str) -> None:
    os.chmod(path, 0o600)


def age(path: str) -> None:
    os.utime(path, (0, 0))


def state(folder: Path) -> set[tuple[str, int, int, float]]:
    return {
        (str(path), path.lstat().st_mode, path.lstat().st_size, path.lstat().st_mtime)
        for path in folder.rglob("*")
        if not path.is_dir()
    }


@pytest.mark.parametrize("change", [remove, move, move_here, link, symlink, shorten, hide, age])
def test_a_file_outside_is_changed_without_and_not_with_the_firewall(
    change: Callable[[str], None], root: Path, request_of: Request, firewall: Switch
) -> None:
    (root / "sub" / "a.txt").write_text("x")
    if change is move_here:
        (root.parent / "a.txt").write_text("planted")
    value, before = "../secret.txt", state(root.parent)
    with request_of(value):
        with firewall("block"), pytest.raises(Blocked):
            change(f"{root}/{value}")
        assert state(root.parent) == before
        change(f"{root}/{value}")
        assert state(root.parent) != before


@pytest.mark.parametrize("change", [remove, move, link, symlink, shorten, hide, age])
def test_a_file_below_may_be_changed(
    change: Callable[[str], None], root: Path, request_of: Request, firewall: Switch
) -> None:
    before = state(root)
    with firewall("block"), request_of("sub/b.txt"):
        change(f"{root}/sub/b.txt")
    assert state(root) != before


def test_a_file_is_written_outside_without_and_not_with_the_firewall(
    root: Path, request_of: Request, firewall: Switch
) -> None:
    value = "../planted.txt"
    with request_of(value):
        with firewall("block"), pytest.raises(Blocked):
            (root / value).write_text("x")
        assert not (root.parent / "planted.txt").exists()
        (root / value).write_text("x")
        assert (root.parent / "planted.txt").exists()


def test_folders(root: Path, request_of: Request, firewall: Switch) -> None:
    (root.parent / "empty").mkdir()
    actions: list[tuple[Callable[[str], object], str]] = [
        (os.listdir, ".."),
        (lambda path: list(os.scandir(path)), "../"),
        (lambda path: list(Path(path).iterdir()), "../"),
        (os.rmdir, "../empty"),
        (os.mkdir, "../made"),
        (shutil.rmtree, "../made"),
    ]
    for act, value in actions:
        with request_of(value):
            before = sorted(os.listdir(root.parent))
            with firewall("block"), pytest.raises(Blocked):
                act(f"{root}/{value}")
            assert sorted(os.listdir(root.parent)) == before
            assert act(f"{root}/{value}") or sorted(os.listdir(root.parent)) != before
    with firewall("block"), request_of("sub"):
        assert os.listdir(f"{root}/sub") == ["b.txt"]

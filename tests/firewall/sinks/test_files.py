"""Files: what is read or written decides, with the firewall off and on."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from stockade.core.errors import Blocked
from tests.conftest import Request, Switch

SECRET = "the key under the mat"


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


def by_copy(path: str) -> str:
    copy = shutil.copyfile(path, path + ".copy")
    try:
        return Path(copy).read_text()
    finally:
        os.unlink(copy)


def by_bytes(path: str) -> str:
    return by_open(os.fsencode(path))  # type: ignore[arg-type]


@pytest.mark.parametrize("read", [by_open, by_pathlib, by_descriptor, by_copy, by_bytes])
@pytest.mark.parametrize(
    "climb",
    [
        "../secret.txt",
        "sub/../../secret.txt",
        "..//secret.txt",
        ".././secret.txt",
        "sub/..//./../secret.txt",
    ],
)
def test_a_secret_is_read_without_and_kept_with_the_firewall(
    read: Callable[[str], str], climb: str, root: Path, request_of: Request, firewall: Switch
) -> None:
    with request_of(climb):
        assert read(f"{root}/{climb}") == SECRET
        with firewall("block"), pytest.raises(Blocked):
            read(f"{root}/{climb}")


def test_an_absolute_value_is_refused(root: Path, request_of: Request, firewall: Switch) -> None:
    value = str(root.parent / "secret.txt")
    with request_of(value):
        assert by_open(os.path.join(root, value)) == SECRET
        with firewall("block"), pytest.raises(Blocked):
            by_open(os.path.join(root, value))


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


@pytest.mark.parametrize("value", ["a.txt", "sub/b.txt", "./a.txt", "sub//b.txt", "/a.txt"])
def test_names_below_the_folder_pass(
    value: str, root: Path, request_of: Request, firewall: Switch
) -> None:
    with firewall("block"), request_of(value):
        assert by_open(f"{root}/{value}") in {"hello", "below"}


def test_a_path_that_was_resolved_and_checked_passes(
    root: Path, request_of: Request, firewall: Switch
) -> None:
    value = "sub/../a.txt"
    with firewall("block"), request_of(value):
        path = (root / value).resolve()
        assert path.is_relative_to(root)
        assert path.read_text() == "hello"


def test_a_request_for_the_folder_of_the_code_harms_nothing(
    root: Path, request_of: Request, firewall: Switch, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stockade.firewall.grammars import path

    monkeypatch.syspath_prepend(str(root))
    path._home_folders.cache_clear()
    with firewall("block"), request_of(str(root.parent)):
        assert by_open(f"{root}/a.txt") == "hello"
    path._home_folders.cache_clear()

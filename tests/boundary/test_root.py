"""`Root` opens what lies in its folder and nothing else, whatever name a client sends."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from stockade.boundary import Root
from stockade.core.errors import Rejected
from stockade.core.events import Event


@pytest.fixture(params=["openat2", "walk"])
def root(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Root]:
    """A folder with a file, a folder, links and a pipe in it; a secret beside it."""
    (tmp_path / "secret").write_text("hidden")
    folder = tmp_path / "root"
    (folder / "a").mkdir(parents=True)
    (folder / "a/b.txt").write_text("open")
    (folder / "file-link").symlink_to("../secret")
    (folder / "folder-link").symlink_to("..")
    (folder / "inner-link").symlink_to("a/b.txt")
    os.mkfifo(folder / "pipe")
    with Root(folder) as made:
        if request.param == "walk":
            made._kernel = False
        yield made
        if request.param == "openat2":
            assert made._kernel, "this kernel has no openat2"


def test_files_are_read_made_changed_listed_and_removed(root: Root) -> None:
    with root.open("a/b.txt") as file:
        assert file.read() == "open"
    with root.open("a/new.bin", "wb") as file:
        file.write(b"12345")
    with root.open("a/new.bin", "wb") as file:
        file.write(b"1")
    with root.open("a/new.bin", "r+b") as file:
        assert file.read() == b"1"
        file.write(b"2")
    with root.open("a/new.bin", "ab") as file:
        file.write(b"3")
    with root.open("a/new.bin", "rb") as file:
        assert file.read() == b"123"
    with pytest.raises(FileExistsError):
        root.open("a/new.bin", "x")
    root.make_folder("a/c")
    assert root.names("a") == ["b.txt", "c", "new.bin"]
    root.remove("a/new.bin")
    assert "new.bin" not in root.names("a")
    with pytest.raises(FileNotFoundError):
        root.open("a/new.bin")


@pytest.mark.asvs("V5.3.2")
@pytest.mark.parametrize(
    "name",
    ["../secret", "a/../../secret", "/etc/passwd", "file-link", "folder-link/secret", "inner-link",
     "folder-link/root/a/b.txt", "pipe", "", ".", "a//b.txt", "a/b.txt\x00", "%2e%2e/secret"],
)  # fmt: skip
@pytest.mark.parametrize("mode", ["r", "w", "a"])
def test_what_leads_out_is_refused_and_told(
    root: Root, name: str, mode: str, tmp_path: Path, events: list[Event]
) -> None:
    with pytest.raises(Rejected) as refused:
        root.open(name, mode)
    assert refused.value.problem().status == 404
    assert [event.name for event in events] == ["input_validation_fail"]
    assert events[0].rule.startswith("boundary.root-")
    assert (tmp_path / "secret").read_text() == "hidden"


@pytest.mark.asvs("V5.3.2")
def test_the_same_names_reach_the_secret_by_open(root: Root, tmp_path: Path) -> None:
    for name in ("../secret", "file-link", "folder-link/secret"):
        assert (tmp_path / "root" / name).read_text() == "hidden"


def test_a_folder_is_no_file_and_a_file_no_folder(root: Root) -> None:
    with pytest.raises(Rejected):
        root.open("a")
    with pytest.raises(NotADirectoryError):
        root.open("a/b.txt/c")
    with pytest.raises(FileNotFoundError):
        root.open("nowhere/b.txt")


def test_links_and_folders_are_not_removed_or_made_elsewhere(root: Root, tmp_path: Path) -> None:
    for act in (root.remove, root.make_folder):
        with pytest.raises(Rejected):
            act("folder-link/secret")
    root.remove("file-link")  # the link, not what it leads to
    assert (tmp_path / "secret").exists()


def test_a_folder_swapped_for_a_link_meanwhile_leads_nowhere(root: Root, tmp_path: Path) -> None:
    folder, other = tmp_path / "root/a", tmp_path / "root/z"
    (tmp_path / "b.txt").write_text("hidden")
    link = tmp_path / "link"
    link.symlink_to("..")
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            os.rename(folder, other)
            os.rename(link, folder)
            os.rename(folder, link)
            os.rename(other, folder)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        seen = set()
        for _ in range(3_000):
            try:
                with root.open("a/b.txt") as file:
                    seen.add(file.read())
            except (Rejected, OSError):
                continue
    finally:
        stop.set()
        thread.join()
    assert seen <= {"open"}


def test_no_descriptor_is_left_open(root: Root) -> None:
    def count() -> int:
        return len(os.listdir("/proc/self/fd"))

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("counts descriptors in /proc")
    before = count()
    for name in ("a/b.txt", "file-link", "pipe", "../x", "nowhere/x", "a"):
        try:
            root.open(name).close()
        except (Rejected, OSError):
            pass
    assert count() == before

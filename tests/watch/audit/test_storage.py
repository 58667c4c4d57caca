from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from stockade.watch.audit.storage import Directory


def test_a_reader_sees_the_old_content_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, write = Directory(tmp_path), os.write
    storage.write("checkpoint", b"old")

    def full(descriptor: int, data: bytes) -> int:
        write(descriptor, data[:1])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        storage.write("checkpoint", b"new")
    assert storage.read("checkpoint") == b"old"
    assert storage.below(".") == ["checkpoint"]


def test_a_short_write_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage, write = Directory(tmp_path), os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, bytes(data[:3])))
    storage.write("tile/0/000", b"0123456789")
    assert storage.read("tile/0/000") == b"0123456789"


def test_what_a_crash_left_is_used_again(tmp_path: Path) -> None:
    (tmp_path / ".checkpoint.new").write_bytes(b"half of a long checkpoint")
    storage = Directory(tmp_path)
    storage.write("checkpoint", b"whole")
    assert storage.read("checkpoint") == b"whole"
    assert storage.below(".") == ["checkpoint"]


def test_a_link_in_its_way_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").write_bytes(b"precious")
    (tmp_path / ".checkpoint.new").symlink_to(tmp_path / "victim")
    with pytest.raises(OSError, match="symbolic links"):
        Directory(tmp_path).write("checkpoint", b"evil")
    assert (tmp_path / "victim").read_bytes() == b"precious"


def test_settling_syncs_files_and_the_folders_that_name_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, synced, sync = Directory(tmp_path / "log"), set[str](), os.fsync
    names = [f"tile/0/{number:03d}" for number in range(20)]
    for name in names:
        storage.write(name, b"x")

    def note(descriptor: int) -> None:
        synced.add(os.readlink(f"/proc/self/fd/{descriptor}"))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    storage.settle(names)
    root = tmp_path / "log"
    assert synced == {str(root / name) for name in ("", "tile", "tile/0", *names)}


def test_what_is_removed_is_the_link_and_not_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim" / "precious").write_bytes(b"precious")
    storage = Directory(tmp_path / "log")
    storage.write("tile/entries/001", b"entries")
    (tmp_path / "log" / "tile" / "entries" / "000.p").symlink_to(tmp_path / "victim")
    storage.remove(["tile/entries/000.p"])
    assert storage.below("tile/entries") == ["001"]
    assert (tmp_path / "victim" / "precious").read_bytes() == b"precious"


def test_a_folder_goes_with_the_last_that_was_in_it(tmp_path: Path) -> None:
    storage = Directory(tmp_path)
    for name in ("tile/entries/x001/999", "tile/entries/x001/998", "tile/entries/x002/000"):
        storage.write(name, b"entries")
    storage.remove(["tile/entries/x001/998"])
    assert storage.below("tile/entries") == ["x001", "x002"]
    storage.remove(["tile/entries/x001/999"])
    assert storage.below("tile/entries") == ["x002"]
    storage.remove(["tile"])
    assert storage.below(".") == []


def test_what_is_no_file_of_a_log_is_not_read(tmp_path: Path) -> None:
    storage = Directory(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="no regular file"):
        storage.read("pipe")  # and nobody writes into it: this would wait for ever
    (tmp_path / "endless").symlink_to("/dev/zero")
    with pytest.raises(OSError, match="symbolic links"):
        storage.read("endless")
    with (tmp_path / "vast").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(OSError, match="larger than any file"):
        storage.read("vast")
    assert storage.read(".") is None

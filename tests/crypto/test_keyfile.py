from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from stockade.core.errors import CryptoError
from stockade.core.secret import Secret
from stockade.crypto import Keyring
from stockade.crypto.keyfile import KeyFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "new" / "keys.json"
    Keyring.open(path, create=True)
    return path


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_new_files_are_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        keyring = Keyring.open(tmp_path / "new" / "keys.json", create=True)
        keyring.rotate()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    files = sorted(p.name for p in (tmp_path / "new").iterdir())
    assert files == [".keys.json.lock", "keys.json"]  # no temporary file stays behind
    for name in files:
        assert stat.S_IMODE((tmp_path / "new" / name).stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610, 0o666])
def test_a_file_that_others_may_open_is_refused(path: Path, mode: int) -> None:
    Keyring.open(path)
    path.chmod(mode)
    with pytest.raises(CryptoError, match="chmod 600"):
        Keyring.open(path)
    path.chmod(0o400)
    Keyring.open(path)


@pytest.mark.parametrize("mode", [0o770, 0o707])
def test_a_folder_that_others_may_write_is_refused(path: Path, mode: int) -> None:
    path.parent.chmod(mode)
    with pytest.raises(CryptoError, match="chmod 700"):
        Keyring.open(path)
    path.parent.chmod(0o755)
    Keyring.open(path)


def test_links_and_other_things_are_refused(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(path)
    with pytest.raises(CryptoError, match="symbolic link"):
        Keyring.open(link)
    with pytest.raises(CryptoError, match="symbolic link"):
        Keyring.open(link, create=True)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo, 0o600)
    with pytest.raises(CryptoError, match="not a regular file"):
        Keyring.open(fifo)  # and it does not hang
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    with pytest.raises(CryptoError, match="symbolic link"):
        Keyring.open(tmp_path / "dangling", create=True)
    assert not (tmp_path / "nowhere").exists()


def test_a_lock_that_is_a_link_is_not_followed(path: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    lock = path.with_name(".keys.json.lock")
    lock.unlink()
    lock.symlink_to(victim)
    with pytest.raises(CryptoError, match="cannot be changed"):
        Keyring.open(path).rotate()
    assert not victim.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a file away takes root")
def test_a_file_or_folder_of_another_user_is_refused(path: Path) -> None:
    os.chown(path, 12345, -1)
    with pytest.raises(CryptoError, match="chown"):
        Keyring.open(path)
    os.chown(path, 0, -1)
    os.chown(path.parent, 12345, -1)
    with pytest.raises(CryptoError, match="chown"):
        Keyring.open(path)


def test_absent_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(CryptoError, match="create=True"):
        Keyring.open(tmp_path / "keys.json")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_save_leaves_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    keyring = Keyring.open(path)
    with pytest.raises(CryptoError, match="No space left"):
        keyring.rotate()
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert sorted(p.name for p in path.parent.iterdir()) == [".keys.json.lock", "keys.json"]
    sealed = keyring.sealer("t", "c").seal(b"x")
    assert Keyring.open(path).sealer("t", "c").open(sealed) == b"x"


def test_every_save_is_a_new_version(path: Path) -> None:
    file = KeyFile(path)
    document, first = file.load()
    assert file.stamp() == first
    second = file.save(Secret(document.reveal()))
    assert second != first
    assert file.stamp() == second

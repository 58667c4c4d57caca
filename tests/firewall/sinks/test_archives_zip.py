"""Zip archives unpacked for a request."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from stockade.core.errors import Blocked
from stockade.firewall.engine import Mode
from tests.firewall.sinks.conftest import Guarded


def unpack(archive: Path, place: Path) -> None:
    shutil.unpack_archive(str(archive), str(place / "in"))


def zip_of(path: Path, *names: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, "planted")
    return path


def unzip_all(archive: Path, place: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(place / "in")


def unzip_each(archive: Path, place: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            opened.extract(member, place / "in")


UNZIP = pytest.mark.parametrize("extract", [unzip_all, unzip_each, unpack])


@UNZIP
def test_zipfile_makes_climbing_names_harmless_by_itself(
    extract: Callable[[Path, Path], None], place: Path, guarded: Guarded
) -> None:
    archive = zip_of(
        place / "a.zip", "../a", "/b", "x/../../c", "....//d", "./", "../", "..\\e", "...", "..f"
    )
    modes: tuple[Mode, ...] = ("off", "block")
    for mode in modes:
        before = set(os.listdir(place))
        with guarded(mode):
            extract(archive, place)
        assert set(os.listdir(place)) == before


@UNZIP
def test_a_link_that_stands_in_the_destination(
    extract: Callable[[Path, Path], None], place: Path, guarded: Guarded
) -> None:
    (place / "in" / "l").symlink_to("..")
    archive = zip_of(place / "a.zip", "first", "l/planted")
    with guarded("block"), pytest.raises(Blocked, match=r"path\.archive-outside"):
        extract(archive, place)
    assert not (place / "planted").exists()
    extract(archive, place)
    assert (place / "planted").exists()

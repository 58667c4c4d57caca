"""Archives unpacked for a request: real ones, made here; what lies outside afterwards decides."""

from __future__ import annotations

import io
import os
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from stockade.core.errors import Blocked
from stockade.core.events import Event, Outcome
from stockade.firewall.sinks import archives
from tests.conftest import Switch
from tests.firewall.sinks.conftest import Guarded

Member: TypeAlias = tuple[tarfile.TarInfo, bytes]


def file(name: str, content: bytes = b"planted") -> Member:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    info.mode = 0o644
    return info, content


def other(name: str, kind: bytes, link: str = "") -> Member:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, link, 0o755
    return info, b""


def symlink(name: str, link: str) -> Member:
    return other(name, tarfile.SYMTYPE, link)


def hard_link(name: str, link: str) -> Member:
    return other(name, tarfile.LNKTYPE, link)


def folder(name: str) -> Member:
    return other(name, tarfile.DIRTYPE)


def tar_of(path: Path, *members: Member, mode: str = "w") -> Path:
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return path


def state(place: Path) -> set[tuple[str, str, str]]:
    """What lies outside the destination, and every link that leads there."""
    found = set()
    for path in place.rglob("*"):
        inside = path.is_relative_to(place / "in")
        if not inside and path.suffix != ".tar" and not path.is_dir():
            found.add((str(path), oct(path.lstat().st_mode), path.read_text()))
        if inside and path.is_symlink() and not path.resolve().is_relative_to(place / "in"):
            found.add((str(path), "link", os.readlink(path)))
        if inside and path.is_file() and path.stat().st_nlink > 1:
            found.add((str(path), "hard link", str(path.stat().st_ino)))
    return found


def extract_all(archive: Path, place: Path) -> None:
    with tarfile.open(archive) as tar:
        tar.extractall(place / "in")


def extract_each(archive: Path, place: Path) -> None:
    with tarfile.open(archive) as tar:
        for member in tar:
            tar.extract(member, str(place / "in"))


def extract_stream(archive: Path, place: Path) -> None:
    with open(archive, "rb") as stream, tarfile.open(fileobj=stream, mode="r|*") as tar:
        tar.extractall(place / "in")


def unpack(archive: Path, place: Path) -> None:
    shutil.unpack_archive(str(archive), str(place / "in"))


def attacks(place: Path) -> dict[str, list[Member]]:
    return {
        "climbs": [file("../planted")],
        "climbs within": [folder("a"), folder("a/b"), file("a/b/../../../planted")],
        "absolute": [file(str(place / "planted"))],
        "absolute link": [symlink("l", str(place / "secret"))],
        "climbing link": [symlink("d/l", "../../secret")],
        "hard link": [hard_link("l", str(place / "secret"))],
        "through a link": [symlink("l", ".."), file("l/planted")],
        "over a link": [symlink("l", "../planted"), file("l")],
        "links that meet": [
            folder("d"),
            folder("d/e"),
            symlink("d/e/b", "../.."),
            symlink("l", "d/e/b/../secret"),
        ],
        "a link turned by a later one": [
            folder("d"),
            folder("d/e"),
            symlink("l", "d/e/b/../secret"),
            symlink("d/e/b", "../.."),
        ],
        "a hard link to a link": [
            folder("d"),
            folder("d/e"),
            symlink("d/e/s", "../../secret"),
            hard_link("d/l", "d/e/s"),
        ],
        "a hard link to a link that was there": [
            folder("d"),
            folder("secret"),
            symlink("d/s", "../secret"),
            hard_link("l", "d/s"),
        ],
    }


@pytest.mark.asvs("V5.3.3")
@pytest.mark.parametrize("mode", ["w", "w:gz"])
@pytest.mark.parametrize("extract", [extract_all, extract_each, extract_stream, unpack])
@pytest.mark.parametrize("name", list(attacks(Path("/"))))
def test_nothing_lands_or_leads_outside(
    name: str, extract: Callable[[Path, Path], None], mode: str, place: Path, guarded: Guarded
) -> None:
    archive = tar_of(place / "a.tar", *attacks(place)[name], mode=mode)
    before = state(place)
    with guarded("block"), pytest.raises(Blocked, match=r"path\.archive-(outside|link)"):
        extract(archive, place)
    assert state(place) == before
    shutil.rmtree(place / "in")
    (place / "in").mkdir()
    extract(archive, place)
    assert state(place) != before


def test_a_listed_archive_is_judged_before_its_first_member_is_written(
    place: Path, guarded: Guarded
) -> None:
    archive = tar_of(place / "a.tar", file("first"), file("../planted"))
    with guarded("block"), pytest.raises(Blocked):
        extract_all(archive, place)
    assert not os.listdir(place / "in")


def test_a_path_longer_than_the_system_resolves(place: Path, guarded: Guarded) -> None:
    """CVE-2025-4517: `os.path.realpath` gives up, and with it the `data` filter of older ones."""
    long, members, path = "d" * 247, [], ""
    for letter in "abcdefghijklmnop":
        members += [folder(os.path.join(path, long)), symlink(os.path.join(path, letter), long)]
        path = os.path.join(path, letter)
    steps = "/".join("abcdefghijklmnop")
    members += [
        symlink(os.path.join(steps, "l" * 254), "../" * 16),
        symlink("escape", os.path.join(steps, "l" * 254) + "/.."),
        hard_link("flaglink", "escape/secret"),
        file("escape/planted"),
    ]
    archive = tar_of(place / "a.tar", *members)
    with guarded("block"), pytest.raises(Blocked):
        extract_all(archive, place)
    assert not (place / "planted").exists()
    assert (place / "secret").stat().st_nlink == 1
    shutil.rmtree(place / "in")
    (place / "in").mkdir()
    extract_all(archive, place)
    assert (place / "planted").exists()


@pytest.mark.parametrize("kind", [tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE])
@pytest.mark.parametrize("extract", [extract_all, extract_each])
def test_devices(
    kind: bytes, extract: Callable[[Path, Path], None], place: Path, guarded: Guarded
) -> None:
    if kind != tarfile.FIFOTYPE and os.geteuid() != 0:
        pytest.skip("only root makes devices")
    archive = tar_of(place / "a.tar", other("null", kind))
    with guarded("block"), pytest.raises(Blocked, match=r"path\.archive-device"):
        extract(archive, place)
    assert not (place / "in" / "null").exists()
    try:
        extract(archive, place)
    except PermissionError:
        pytest.skip("devices cannot be made in this container")
    assert not stat.S_ISREG((place / "in" / "null").stat().st_mode)


@pytest.mark.parametrize("mode", ["w", "w:gz"])
@pytest.mark.parametrize("extract", [extract_all, extract_each, extract_stream, unpack])
def test_odd_names_inside(
    extract: Callable[[Path, Path], None], mode: str, place: Path, guarded: Guarded
) -> None:
    archive = tar_of(
        place / "a.tar",
        folder("."),
        folder("./sub"),
        folder("-x"),
        file("..hidden"),
        file("a..b"),
        file("..."),
        file("sub/../c"),
        file("%2e%2e%2fd"),
        file("d\\..\\..\\e"),
        file("ü/日本.txt"),
        file(str(place / "in" / "absolute but inside")),
        symlink("sub/inner", "../a..b"),
        symlink("through a folder", "sub/../..hidden"),
        symlink("to a folder", "sub"),
        file("to a folder/through"),
        symlink("dangling", "not there yet"),
        symlink("absolute", str(place / "in" / "...")),
        hard_link("twin", "..."),
        mode=mode,
    )
    before = {entry for entry in state(place) if entry[1] != "hard link"}
    with guarded("block"):
        extract(archive, place)
    assert {entry for entry in state(place) if entry[1] != "hard link"} == before
    names = {"..hidden", "a..b", "...", "c", "%2e%2e%2fd", "d\\..\\..\\e", "ü", "-x", "sub", "twin"}
    links = {"through a folder", "to a folder", "dangling", "absolute"}
    assert set(os.listdir(place / "in")) == names | links | {"absolute but inside"}
    assert (place / "in" / "sub" / "inner").read_text() == "planted"
    assert (place / "in" / "sub" / "through").read_text() == "planted"


def test_a_destination_behind_a_link_and_a_relative_one(
    place: Path, guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "link").symlink_to("in")
    archive = tar_of(place / "a.tar", file("a/b"))
    monkeypatch.chdir(place)
    with guarded("block"), tarfile.open(archive) as tar:
        tar.extractall("link")
        monkeypatch.chdir(place / "in")
        tar.extractall()
    assert (place / "in" / "a" / "b").read_bytes() == b"planted"


def test_a_filter_of_the_application_comes_first(place: Path, guarded: Guarded) -> None:
    archive = tar_of(place / "a.tar", file("/a"), file("../b"), file("c"))

    def renamed(member: tarfile.TarInfo, path: str) -> tarfile.TarInfo | None:
        return None if member.name == "c" else member.replace(name=os.path.basename(member.name))

    with guarded("block"), tarfile.open(archive) as tar:
        tar.extractall(place / "in", filter=renamed)
        assert sorted(os.listdir(place / "in")) == ["a", "b"]
        with pytest.raises(tarfile.OutsideDestinationError):
            tar.extractall(place / "in", filter="data")
        with pytest.raises(ValueError, match="not found"):
            tar.extractall(place / "in", filter="unheard of")  # type: ignore[arg-type]


def test_chosen_members(place: Path, guarded: Guarded) -> None:
    archive = tar_of(place / "a.tar", file("a"), file("../b"))
    with guarded("block"), tarfile.open(archive) as tar:
        tar.extractall(place / "in", [tar.getmember("a")])
        with pytest.raises(Blocked):
            tar.extractall(place / "in", (member for member in tar if member.name != "a"))
    assert not (place / "b").exists()


def test_observe_reports_and_lets_it_happen(
    place: Path, guarded: Guarded, events: list[Event]
) -> None:
    archive = tar_of(place / "a.tar", file("../planted"), mode="w:gz")
    with guarded("observe"):
        extract_all(archive, place)
    assert (place / "planted").exists()
    (event,) = [event for event in events if event.rule == "path.archive-outside"]
    assert (event.name, event.outcome) == ("malicious_path", Outcome.OBSERVED)
    assert "planted" not in repr(event)


def test_outside_any_request_the_developer_decides(
    place: Path, firewall: Switch, events: list[Event]
) -> None:
    archive = tar_of(place / "a.tar", file("../planted"))
    with firewall("block") as guards:
        archives.install(guards.path)
        extract_all(archive, place)
        archives.uninstall()
    assert (place / "planted").exists()
    assert not events


def test_the_classes_are_given_back() -> None:
    assert tarfile.TarFile.extractall.__module__ == "tarfile"
    assert zipfile.ZipFile.extract.__module__ == "zipfile"
    assert shutil.unpack_archive.__module__ == "shutil"

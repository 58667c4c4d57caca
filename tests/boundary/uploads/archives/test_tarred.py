"""Links, devices and tars that two programs read differently are refused."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from stockade.core.errors import Rejected
from stockade.core.events import Event
from tests.boundary.uploads import bombs
from tests.boundary.uploads.conftest import Refusal
from tests.boundary.uploads.unpacking import CONTRACT, member, unpack, zip_of


def _link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    return member(name, type=kind, linkname=target)


LINKS = {
    "symlink-to-folder": lambda at: bombs.tar(
        _link("link", f"{at}"), (member("link/out"), b"owned")
    ),
    "symlink-upwards": lambda at: bombs.tar(_link("link", ".."), (member("link/out"), b"owned")),
    "symlink-to-file": lambda at: bombs.tar(_link("link", f"{at}/out"), (member("link"), b"owned")),
    "symlink-chain": lambda at: bombs.tar(
        _link("x", "."), _link("x/y", ".."), (member("y/out"), b"owned")
    ),
    "hardlink": lambda at: bombs.tar(
        _link("link", f"{at}/out", tarfile.LNKTYPE), (member("link"), b"owned")
    ),
}


@pytest.mark.asvs("V5.2.5")
@pytest.mark.parametrize("name", LINKS)
def test_nothing_is_written_through_a_link(name: str, tmp_path: Path, events: list[Event]) -> None:
    content, to, out = LINKS[name](tmp_path), tmp_path / "to", tmp_path / "out"
    out.write_bytes(b"mine")
    to.mkdir()
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        archive.errorlevel = 1
        for info in archive:
            if name == "hardlink" and info.islnk():
                os.link(info.linkname, to / info.name)  # as archivers do that take absolute names
            elif name == "hardlink":
                (to / info.name).write_bytes(b"owned")
            else:
                archive.extract(info, to, filter="fully_trusted", set_attrs=False)
    assert (out.read_bytes() == b"owned") or (to / "link").read_bytes() == b"owned"
    clean = tmp_path / "clean"
    out.write_bytes(b"mine")
    with pytest.raises(Rejected) as refused:
        unpack(clean, content)
    assert refused.value.rule == "boundary.upload-archive-link"
    assert len(events) == 1
    assert out.read_bytes() == b"mine"
    assert list(clean.iterdir()) == []


def test_a_link_that_stands_in_the_folder_already_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "to").mkdir()
    (tmp_path / "to/link").symlink_to("..")
    content = zip_of(("first", b"x"), ("link/out", b"owned"))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(tmp_path / "to")
    assert (tmp_path / "out").read_bytes() == b"owned"
    (tmp_path / "out").unlink()
    (tmp_path / "to/first").unlink()
    with pytest.raises(Rejected):
        unpack(tmp_path / "to", content)
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "to/first").exists()


@pytest.mark.parametrize("kind", [tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE])
def test_devices_and_pipes(kind: bytes, refusal: Refusal) -> None:
    assert refusal(CONTRACT, bombs.tar(member("x", type=kind))) == "archive-link"


def test_sparse_and_unknown_members(refusal: Refusal) -> None:
    for kind in (tarfile.GNUTYPE_SPARSE, b"7", b"V", b"M"):
        assert refusal(CONTRACT, bombs.tar(member("x", type=kind))) == "archive-malformed"
    sparse = bombs.pax_record(b"GNU.sparse.realsize", b"99999999999")
    header = bombs.tar_header(tarfile.XHDTYPE, len(sparse)) + sparse + bytes(-len(sparse) % 512)
    content = header + bombs.tar((member("x"), b""))
    assert refusal(CONTRACT, content) == "archive-malformed"


def test_tars_that_two_programs_read_differently(refusal: Refusal) -> None:
    honest, other = bombs.tar((member("a"), b"1")), bombs.tar((member("b"), b"2"))
    damaged = bytearray(honest)
    damaged[0] = ord("c")
    size = bombs.pax_record(b"size", b"600")
    pax = bombs.tar_header(tarfile.XHDTYPE, len(size)) + size + bytes(512 - len(size))
    for content in (honest + other, bytes(damaged), honest[:700], honest + b"<script>", pax + honest,
                    gzip.compress(honest) + b"trailing", gzip.compress(honest)[:-9]):  # fmt: skip
        assert refusal(CONTRACT, content) == "archive-malformed"

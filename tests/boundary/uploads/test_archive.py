"""`Archive` unpacks what is plain and refuses the rest before a byte is written."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stockade.boundary import Archive
from stockade.core.errors import Rejected
from stockade.core.events import Event
from tests.boundary.uploads import bombs
from tests.boundary.uploads.bombs import MIB
from tests.boundary.uploads.conftest import Refusal
from tests.boundary.uploads.unpacking import CONTRACT, member, tree, unpack, zip_of

FILES = {f"Ordner {n % 3}/datei ä{n}.txt": b"hello %d\n" % n * n for n in range(300)}


def _by_tool(folder: Path, *command: str) -> bytes:
    source = folder / "source"
    for name, content in FILES.items():
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    try:
        subprocess.run([*command, folder / "out", "."], cwd=source, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip(f"{command[0]} is not installed")
    return next(folder.glob("out*")).read_bytes()


@pytest.mark.parametrize(
    "command",
    ["tar -cf", "tar -czf", "tar -cjf", "tar -cJf", "tar --format=pax -czf", "tar --format=v7 -czf",
     "zip -qr", "zip -qr -0", "zip -qr -fd", "jar cf"],
)  # fmt: skip
def test_what_common_tools_write_is_unpacked(
    command: str, tmp_path: Path, events: list[Event]
) -> None:
    content = _by_tool(tmp_path, *command.split())
    unpack(tmp_path / "to", content)
    found = tree(tmp_path / "to")
    found.pop("META-INF/MANIFEST.MF", None)
    assert found == FILES
    assert events == []
    assert not [path for path in (tmp_path / "to").rglob("*.txt") if path.stat().st_mode & 0o177]


def test_what_python_streams_is_unpacked(tmp_path: Path) -> None:
    class Pipe(io.RawIOBase):
        written = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            self.written += data
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", b"a" * 100_000)
        archive.writestr("empty/", b"")
        archive.writestr("stored", os.urandom(70_000), zipfile.ZIP_STORED)
        with archive.open("large.txt", "w", force_zip64=True) as file:
            file.write(b"hello" * 1_000)
    unpack(tmp_path / "to", bytes(pipe.written))
    assert set(tree(tmp_path / "to")) == {"a.txt", "stored", "large.txt"}
    assert (tmp_path / "to/empty").is_dir()


@pytest.mark.parametrize("kind", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_long_names_and_streams_in_a_row(kind: int, tmp_path: Path) -> None:
    name = "/".join(["folder" * 5] * 9) + "/ü.txt"
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=kind) as archive:
        archive.addfile(member(name, size=5), io.BytesIO(b"hello"))
    whole = output.getvalue()
    halves = gzip.compress(whole[:700]) + gzip.compress(whole[700:])
    assert unpack(tmp_path / "to", halves) == [name]


def test_what_macos_adds_is_left_out_and_documents_inside_pass(tmp_path: Path) -> None:
    document = bombs.zipped({"[Content_Types].xml": b"<x/>", "_rels/.rels": b"<x/>"})
    content = zip_of(
        ("report.docx", document),
        ("log.gz", gzip.compress(b"line\n" * 100)),
        ("__MACOSX/._report.docx", b"x"),
        (".DS_Store", b"x"),
    )
    assert unpack(tmp_path / "to", content) == ["report.docx", "log.gz"]


def test_empty_archives() -> None:
    assert CONTRACT.checked(bombs.zipped({}), filename="a.zip")
    assert CONTRACT.checked(gzip.compress(bombs.tar()), filename="a.tar.gz")


def _written_bare(content: bytes, folder: Path) -> int:
    """What `zipfile` writes, archives inside archives too; at most 256 MiB."""
    total, todo = 0, [content]
    while todo and total < 256 * MIB:
        with zipfile.ZipFile(io.BytesIO(todo.pop())) as archive:
            for name in archive.namelist():
                data = archive.read(name)
                if data.startswith(b"PK"):
                    todo.append(data)
                else:
                    (folder / "bare").write_bytes(data)
                    total += (folder / "bare").stat().st_size
    return total


ZIP_BOMBS: dict[str, tuple[bytes, str, int]] = {
    "ratio": (bombs.zipped({"a": bytes(64 * MIB)}), "archive-bomb", 64 * MIB),
    "nested": (bombs.zip_nested(4, 3, MIB), "archive-nesting", 80 * MIB),
    "nested-flat": (bombs.zip_nested(2, 10, MIB), "archive-bomb", 90 * MIB),
    "overlapping": (bombs.zip_overlapping(200, MIB), "archive-malformed", 200 * MIB),
    "quoted": (bombs.zip_quoted(60, MIB), "archive-malformed", 60 * MIB),
}


@pytest.mark.parametrize("name", ZIP_BOMBS)
def test_zip_bombs(name: str, tmp_path: Path, refusal: Refusal) -> None:
    content, rule, size = ZIP_BOMBS[name]
    assert len(content) < 2 * MIB
    try:
        assert _written_bare(content, tmp_path) >= size
    except zipfile.BadZipFile:  # newer Pythons know overlaps
        assert name in {"overlapping", "quoted"}
    assert refusal(CONTRACT, content) == rule
    with pytest.raises(Rejected):
        unpack(tmp_path / "to", content)
    assert tree(tmp_path / "to") == {}


def test_bounds_are_those_declared(tmp_path: Path, refusal: Refusal) -> None:
    content = zip_of(*[(f"{n}", os.urandom(1_000)) for n in range(10)])
    assert len(unpack(tmp_path / "to", content, Archive(max_members=10, max_total=10_000))) == 10
    assert refusal(Archive(max_members=9), content) == "archive-members"
    assert refusal(Archive(max_total=9_999), content) == "archive-bomb"
    assert refusal(Archive(max_bytes=5_000), content) == "size"
    inside = zip_of(("a.zip", zip_of(("b", b"c"))))
    assert refusal(Archive(max_nesting=0), inside) == "archive-nesting"
    assert Archive(max_nesting=1).checked(inside)
    for closed in (b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07\x00", b"\x28\xb5\x2f\xfd"):
        assert refusal(CONTRACT, zip_of(("a", closed + bytes(50)))) == "archive-nested"
    twice = gzip.compress(gzip.compress(b"x"))
    assert refusal(CONTRACT, zip_of(("a.gz", twice))) == "archive-nested"


SAMPLES = [
    zip_of(("a/b.txt", b"hello" * 50), ("c", b"x")),
    bombs.tar((member("a/b.txt"), b"hello" * 50), (member("c"), b"x")),
    gzip.compress(bombs.tar((member("a"), b"hello" * 50))),
    bombs.bzipped(bombs.tar((member("a"), b"hello" * 50))),
    bombs.xz_of_dictionary(bombs.tar((member("a"), b"hello" * 50)), MIB),
]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(SAMPLES), st.integers(0, 3_000), st.binary(min_size=1, max_size=8))
def test_damage_is_refused_or_does_no_harm(content: bytes, at: int, data: bytes) -> None:
    at %= len(content)
    damaged = content[:at] + data + content[at + len(data) :]
    try:
        CONTRACT.checked(damaged)
    except Rejected:
        pass

"""Bombs: each eats memory or disk where it is handled bare, and less than 64 MiB while refused."""

from __future__ import annotations

import gzip
import io
import lzma
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import PIL.Image
import pytest

from tests.boundary.uploads import bombs
from tests.boundary.uploads.bombs import MIB
from tests.boundary.uploads.conftest import child, guarded

BOUND = 64 * MIB
PICTURE = "Image(formats=('png', 'jpeg', 'gif', 'webp', 'tiff'), max_frames=100)"
ARCHIVE = "Archive()"

PILLOW = "import PIL.Image; PIL.Image.MAX_IMAGE_PIXELS = None"
DECODE = "PIL.Image.open(path).load()"
FRAMES = "p = PIL.Image.open(path); kept = [p.seek(n) or p.copy() for n in range(p.n_frames)]"
TAR = "import tarfile"
LIST = "tarfile.open(path).getmembers()"


class Bomb(NamedTuple):
    """How it is made, which rule refuses it, and what a careless handler does with it."""

    make: Callable[[], bytes]
    contract: str
    rule: str
    prepare: str
    act: str


BOMBS = {
    "png-100-megapixel": Bomb(
        lambda: bombs.png(10_000, 10_000), PICTURE, "image-pixels", PILLOW, DECODE
    ),
    "png-gigapixel": Bomb(
        lambda: bombs.png(60_000, 60_000, rows=10), PICTURE, "image-pixels", PILLOW, DECODE
    ),
    "tiff-100-megapixel": Bomb(
        lambda: bombs.tiff(10_000, 10_000), PICTURE, "image-pixels", PILLOW, DECODE
    ),
    "tiff-gigapixel": Bomb(
        lambda: bombs.tiff(60_000, 60_000, tile=256), PICTURE, "image-pixels", PILLOW, DECODE
    ),
    "tiff-tile": Bomb(
        lambda: bombs.tiff(64, 64, tile=16_384), PICTURE, "image-pixels", PILLOW, DECODE
    ),
    "gif-frame": Bomb(
        lambda: bombs.gif((1, 1), (10_000, 10_000), 1), PICTURE, "image-pixels", PILLOW, DECODE
    ),
    "gif-frames": Bomb(
        lambda: bombs.gif((2_000, 2_000), (2_000, 2_000), 30),
        PICTURE,
        "image-pixels",
        PILLOW,
        FRAMES,
    ),
    "gif-thousand-frames": Bomb(
        lambda: bombs.gif((300, 300), (300, 300), 1_000), PICTURE, "image-frames", PILLOW, FRAMES
    ),
    "webp-canvas": Bomb(lambda: bombs.webp(8_000, 8_000), PICTURE, "image-pixels", PILLOW, DECODE),
    "tar-long-name": Bomb(
        lambda: bombs.tar_long_header(tarfile.GNUTYPE_LONGNAME, 100 * MIB),
        ARCHIVE,
        "archive-malformed",
        TAR,
        LIST,
    ),
    "tar-pax-header": Bomb(
        lambda: bombs.tar_long_header(tarfile.XHDTYPE, 100 * MIB),
        ARCHIVE,
        "archive-malformed",
        TAR,
        LIST,
    ),
    "xz-dictionary": Bomb(
        lambda: bombs.xz_of_dictionary(bombs.tar_of_zeros(100 * MIB), 96 * MIB),
        ARCHIVE,
        "archive-malformed",
        TAR,
        LIST,
    ),
    "zip-directory": Bomb(
        lambda: bombs.zip_directory(65_000),
        "Archive(max_bytes=1 << 30)",
        "archive-members",
        "import zipfile",
        "kept = [zipfile.ZipFile(path) for _ in range(4)]",  # four requests at a time
    ),
    "zip-read": Bomb(
        lambda: bombs.zipped({"zero": bytes(100 * MIB)}),
        ARCHIVE,
        "archive-bomb",
        "import zipfile",
        "zipfile.ZipFile(path).read('zero')",
    ),
    "tar-gz-read": Bomb(
        lambda: gzip.compress(bombs.tar_of_zeros(100 * MIB)),
        ARCHIVE,
        "archive-bomb",
        TAR,
        "tarfile.open(path).extractfile('zero').read()",
    ),
    "tar-bz2-read": Bomb(
        lambda: bombs.bzipped(bombs.tar_of_zeros(100 * MIB)),
        ARCHIVE,
        "archive-bomb",
        TAR,
        "tarfile.open(path).extractfile('zero').read()",
    ),
    "tar-xz-read": Bomb(
        lambda: lzma.compress(bombs.tar_of_zeros(100 * MIB), preset=0),
        ARCHIVE,
        "archive-bomb",
        TAR,
        "tarfile.open(path).extractfile('zero').read()",
    ),
    "svg-laughs": Bomb(
        lambda: bombs.svg_laughs(2 * MIB, 90),
        PICTURE,
        "svg",
        "import xml.etree.ElementTree as etree",
        "etree.parse(path)",
    ),
    "csv-columns": Bomb(
        lambda: b"ab," * (3 * MIB),
        "Csv()",
        "csv-columns",
        "import csv",
        "next(csv.reader(open(path)))",
    ),
}


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A small honest file for each contract, which warms a child up."""
    folder = tmp_path_factory.mktemp("honest")
    picture = io.BytesIO()
    PIL.Image.new("RGB", (64, 64)).save(picture, "PNG")
    files = {
        "Image": picture.getvalue(),
        "Archive": bombs.zipped({"a": b"b"}),
        "Csv": b"a,b\r\n1,2\r\n",
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return {name: folder / name for name in files}


@pytest.mark.asvs("V5.2.3", "V5.2.6")
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_goes_off_bare_and_is_refused_in_little_memory(
    name: str, tmp_path: Path, honest: dict[str, Path]
) -> None:
    bomb = BOMBS[name]
    path = tmp_path / "bomb"
    path.write_bytes(bomb.make())
    assert path.stat().st_size <= 16 * MIB

    bare = child(path, bomb.prepare, bomb.act)
    assert bare.memory > BOUND or bare.said == "MemoryError", bare

    refused = guarded(path, bomb.contract, honest[bomb.contract.partition("(")[0]])
    assert refused.said == f"boundary.upload-{bomb.rule}"
    assert refused.memory < BOUND, refused


def test_comments_of_a_picture_are_never_inflated(tmp_path: Path, honest: dict[str, Path]) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(bombs.png_text(63))
    bare = child(
        path, PILLOW, "kept = [PIL.Image.open(path) for _ in range(2)]; [k.load() for k in kept]"
    )
    assert bare.memory > BOUND, bare
    taken = guarded(path, PICTURE, honest["Image"])
    assert taken.said == "done"
    assert taken.memory < BOUND // 4, taken


def test_the_classic_laughs_are_refused_too(tmp_path: Path, honest: dict[str, Path]) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(bombs.svg_billion_laughs())
    refused = guarded(path, PICTURE, honest["Image"], "picture.svg")
    assert refused.said == "boundary.upload-svg"
    assert refused.memory < BOUND // 4

"""No name leads out of the folder, in any spelling, and no two members are one file."""

from __future__ import annotations

import io
import ntpath
import os
import tarfile
import unicodedata
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

import pytest

from stockade.core.errors import Rejected
from stockade.core.events import Event
from tests.boundary.uploads import bombs
from tests.boundary.uploads.conftest import Refusal
from tests.boundary.uploads.unpacking import CONTRACT, member, tree, unpack, zip_of

Escape = Callable[[str], str]


def _windows(name: str) -> str:
    inside = ntpath.normpath(ntpath.join("C:\\data\\to", name))
    return "../out" if not inside.lower().startswith("c:\\data\\to\\") else name


SLIPS: list[tuple[str, Escape]] = [
    ("../out", str),
    ("a/../../out", str),
    ("./../out", str),
    ("{absolute}", str),
    ("/{absolute}", str),
    ("a/b/c/../../../../out", str),
    ("..\\out", _windows),
    ("..\\../out", _windows),
    ("C:\\out", _windows),
    ("c:out", lambda name: _windows("D:" + name[2:])),
    ("\\\\server\\share\\out", _windows),
    ("a\\..\\..\\out", _windows),
    ("%2e%2e/out", unquote),
    ("%2e%2e%2fout", unquote),
    ("%252e%252e%252fout", lambda name: unquote(unquote(name))),
    ("..%5cout", lambda name: _windows(unquote(name))),
    ("\uff0e\uff0e/out", lambda name: unicodedata.normalize("NFKC", name)),
    ("\uff0e\uff0e\uff0fout", lambda name: unicodedata.normalize("NFKC", name)),
    ("\u2025/out", lambda name: unicodedata.normalize("NFKC", name)),
]


def _careless(folder: Path, name: str, content: bytes, spell: Escape) -> None:
    path = Path(os.path.join(folder, spell(name)))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    path.write_bytes(content)


@pytest.mark.parametrize("kind", ["zip", "tar"])
@pytest.mark.parametrize(("name", "spell"), SLIPS, ids=[name for name, _ in SLIPS])
def test_no_spelling_slips_out(
    name: str, spell: Escape, kind: str, tmp_path: Path, events: list[Event]
) -> None:
    name = name.format(absolute=tmp_path / "out")
    content = zip_of((name, b"owned")) if kind == "zip" else bombs.tar((member(name), b"owned"))
    to, out = tmp_path / "to", tmp_path / "out"
    (to / "a/b/c").mkdir(parents=True)

    if kind == "tar" and spell is str:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            archive.extractall(to, filter="fully_trusted")
    else:
        _careless(to, name, b"owned", spell)
    assert out.read_bytes() == b"owned"
    out.unlink()

    with pytest.raises(Rejected) as refused:
        unpack(to, content)
    assert refused.value.rule == "boundary.upload-archive-name"
    assert [event.rule for event in events] == [refused.value.rule]
    assert not out.exists()
    assert tree(to) == {}


@pytest.mark.parametrize(
    "name", ["", "a//b", "a/./b", "con", "a/NUL.txt", "a:b", "a.", "a ", ".bashrc", "-rf", "a\u202eb", "a\nb", "a/" * 17 + "b"]
)  # fmt: skip
def test_names_that_mean_something_else_elsewhere(name: str, refusal: Refusal) -> None:
    content = bombs.tar((member("x"), b""))
    header = bytearray(content[:512])
    raw = name.encode()
    header[:100] = raw + bytes(100 - len(raw))
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\x00 " % sum(header)
    expected = "archive-malformed" if name.endswith("/") else "archive-name"
    if name:
        assert refusal(CONTRACT, bytes(header) + content[512:]) == expected


@pytest.mark.parametrize(
    ("first", "second"),
    [("a", "a"), ("Readme", "README"), ("stra\u00dfe", "STRASSE"), ("caf\u00e9", "cafe\u0301"),
     ("a", "a/b"), ("a/b", "a"), ("A/x", "a/y"), ("\ufb01le", "file")],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_no_two_members_are_one_file(first: str, second: str, refusal: Refusal) -> None:
    def places(name: str) -> str:
        return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())

    one, two = places(first), places(second)
    assert one == two or one.partition("/")[0] == two.partition("/")[0]
    for content in (
        zip_of((first, b"checked"), (second, b"used")),
        bombs.tar((member(first), b"checked"), (member(second), b"used")),
    ):
        assert refusal(CONTRACT, content) == "archive-twice"

"""`Quarantine`: random names, private files, limits that hold for all who share the folder."""

from __future__ import annotations

import io
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stockade.boundary import Csv, Document, Image, Quarantine, Root
from stockade.core.errors import Rejected
from stockade.core.events import Event, Outcome
from tests.boundary.uploads.test_image import HONEST

TABLE = b"name,born\r\nAnn,1970-01-01\r\n"


class Stream:
    """A source of unknown size, which counts what is read of it."""

    def __init__(self, content: bytes) -> None:
        self._file = io.BytesIO(content)
        self.taken = 0

    def read(self, count: int) -> bytes:
        data = self._file.read(count)
        self.taken += len(data)
        return data


class Endless:
    """A client that never stops sending."""

    taken = 0

    def read(self, count: int) -> bytes:
        self.taken += count
        return bytes(count)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "quarantine"


@pytest.fixture
def quarantine(folder: Path) -> Iterator[Quarantine]:
    made = Quarantine(folder, max_bytes=100_000, quota=1_000_000, share=600_000)
    yield made
    made.close()


def refused(act: Callable[[], object], events: list[Event]) -> tuple[str, int]:
    """Rule and status; exactly one event tells of the refusal."""
    events.clear()
    with pytest.raises(Rejected) as caught:
        act()
    assert [(event.name, event.outcome) for event in events] == [
        ("upload_validation", Outcome.BLOCKED)
    ]
    assert events[0].rule == caught.value.rule
    return caught.value.rule.removeprefix("boundary.upload-"), caught.value.problem().status


def test_an_upload_is_checked_and_stored_under_a_name_of_ours(
    quarantine: Quarantine, folder: Path, tmp_path: Path, events: list[Event]
) -> None:
    old = os.umask(0)
    try:
        (tmp_path / "photos").mkdir()
        with (
            Root(tmp_path / "photos") as photos,
            quarantine.receive(
                io.BytesIO(HONEST["jpeg"]), Image(), field="photo", filename="me.JPEG"
            ) as upload,
        ):
            [waiting] = folder.iterdir()
            assert re.fullmatch(r"[0-9a-f]{12}-[0-9a-f]{32}", waiting.name)
            assert stat.S_IMODE(waiting.stat().st_mode) == 0o600
            stored = upload.store(photos)
    finally:
        os.umask(old)
    assert re.fullmatch(r"[0-9a-f]{32}\.jpg", stored)
    assert stat.S_IMODE((tmp_path / "photos" / stored).stat().st_mode) == 0o600
    assert list(folder.iterdir()) == []
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [event.name for event in events] == ["upload_complete", "upload_stored"]
    assert events[0].details["field"] == "photo"
    assert events[0].details["kind"] == "jpeg"


def test_names_are_never_the_clients(quarantine: Quarantine, tmp_path: Path) -> None:
    served = tmp_path / "served"
    served.mkdir()
    for name in ("shell.php", "../shell.php", "x.html"):  # as careless code stores them
        (served / name).write_bytes(b"<?php")
        assert (served / name).exists()
    seen = set()
    for _ in range(20):
        with Root(served) as root, quarantine.receive(io.BytesIO(TABLE), Csv()) as upload:
            seen.add(upload.store(root))
    assert len(seen) == 20
    assert all(re.fullmatch(r"[0-9a-f]{32}\.csv", name) for name in seen)


@pytest.mark.asvs("V5.3.1")
def test_nothing_that_was_uploaded_runs(quarantine: Quarantine, tmp_path: Path) -> None:
    """A server that runs what its name, or its mode, calls a program; a table that is one, too."""
    program = b"import pathlib,sys\r\npathlib.Path(sys.argv[1]).touch(),1\r\n"
    public, mark = tmp_path / "public", tmp_path / "it-ran"
    public.mkdir()

    def ask(name: str) -> bytes:
        path = public / name
        if path.suffix in (".py", ".cgi", ".php", ".sh") or os.access(path, os.X_OK):
            subprocess.run([sys.executable, path, mark], check=True)
        return path.read_bytes()

    (public / "people.py").write_bytes(program)  # under the client's name
    ask("people.py")
    assert mark.exists()
    mark.unlink()

    old = os.umask(0)
    try:
        with Root(public) as root:
            with pytest.raises(Rejected):
                quarantine.receive(io.BytesIO(program), Csv(), filename="people.py")
            with quarantine.receive(io.BytesIO(program), Csv(), filename="people.csv") as upload:
                stored = upload.store(root)
    finally:
        os.umask(old)
    assert ask(stored) == program
    assert not mark.exists()


def test_leaving_without_storing_removes_it(
    quarantine: Quarantine, folder: Path, events: list[Event]
) -> None:
    with quarantine.receive(io.BytesIO(TABLE), Csv()) as upload, upload.open() as file:
        assert file.read() == TABLE
    assert list(folder.iterdir()) == []
    assert [event.name for event in events] == ["upload_complete", "upload_delete"]
    with pytest.raises(RuntimeError):
        upload.open()


@pytest.mark.parametrize(
    ("content", "filename", "rule", "status"),
    [
        (b"x" * 100_001, "", "size", 413),
        (b"", "a.csv", "empty", 422),
        (b"a,b\n1\n", "a.csv", "csv-columns", 422),
        (TABLE, "a.exe", "extension", 422),
        (TABLE, "../../a.csv", "filename", 422),
        (TABLE, "a\x00.csv", "filename", 422),
        (HONEST["png"], "a.csv", "type", 415),
    ],
)
@pytest.mark.parametrize("wrap", [io.BytesIO, Stream])
def test_what_is_refused_is_gone_and_told_of_once(
    content: bytes, filename: str, rule: str, status: int, wrap: Any,
    quarantine: Quarantine, folder: Path, events: list[Event],
) -> None:  # fmt: skip
    source = wrap(content)
    found = refused(lambda: quarantine.receive(source, Csv(), filename=filename), events)
    assert found == (rule, status)
    assert list(folder.iterdir()) == []


def test_an_endless_upload_is_cut_off(quarantine: Quarantine, events: list[Event]) -> None:
    source = Endless()
    assert refused(lambda: quarantine.receive(source, Csv()), events) == ("size", 413)
    assert source.taken <= 200_000


def test_a_broken_source_leaves_nothing(quarantine: Quarantine, folder: Path) -> None:
    class Broken:
        def read(self, count: int) -> bytes:
            raise ConnectionError

    class Text:
        def read(self, count: int) -> str:
            return "text"

    for source, error in ((Broken(), ConnectionError), (Text(), TypeError), (object(), TypeError)):
        with pytest.raises(error):
            quarantine.receive(source, Csv())
    assert list(folder.iterdir()) == []


def test_a_bug_in_a_contract_leaves_nothing(quarantine: Quarantine, folder: Path) -> None:
    class Broken(Csv):
        def judge(self, file: Any, kind: Any) -> Any:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        quarantine.receive(io.BytesIO(TABLE), Broken())
    upload = quarantine.begin()
    upload.write(TABLE)
    with pytest.raises(ZeroDivisionError):
        upload.check(Broken())
    assert list(folder.iterdir()) == []


def test_chunks_may_come_one_by_one(quarantine: Quarantine, events: list[Event]) -> None:
    with quarantine.begin(field="table", filename="t.csv") as upload:
        for at in range(0, len(TABLE), 7):
            upload.write(TABLE[at : at + 7])
        with pytest.raises(RuntimeError):
            upload.open()
        upload.check(Csv())
        with upload.open() as file:
            assert file.read() == TABLE
        with pytest.raises(RuntimeError):
            upload.write(b"more")
    upload = quarantine.begin()
    upload.write(b"x" * 100_000)
    assert refused(lambda: upload.write(b"x"), events) == ("size", 413)


PDF = b"%PDF-1.7\n1 0 obj << /Type /Catalog >> endobj\ntrailer << /Root 1 0 R >>\n%%EOF\n"


def test_documents(quarantine: Quarantine) -> None:
    with quarantine.receive(io.BytesIO(PDF), Document(), filename="a.pdf") as upload:
        assert upload.size == len(PDF)
        assert upload.kind is not None
        assert upload.kind.media_type == "application/pdf"

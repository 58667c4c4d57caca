"""One quota for all who share the folder, a share for each, and nobody else in it."""

from __future__ import annotations

import errno
import fcntl
import io
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from stockade.boundary import Csv, Quarantine, Upload
from stockade.core.context import running
from stockade.core.errors import ConfigError, Rejected
from stockade.core.events import Event
from stockade.core.inputs import InputLimits
from tests.boundary.uploads.test_quarantine import TABLE, Stream, folder, quarantine, refused
from tests.conftest import PlainRequest

__all__ = ["folder", "quarantine"]


def test_all_uploads_share_a_quota(folder: Path, events: list[Event]) -> None:
    quarantine = Quarantine(folder, max_bytes=100_000, quota=300_000, share=1_000_000)
    held = [quarantine.begin() for _ in range(3)]
    assert refused(quarantine.begin, events) == ("quota", 503)
    held.pop().discard()
    held.append(quarantine.begin())
    for upload in held:  # a finished upload counts as what it holds
        upload.write(TABLE)
        upload.check(Csv())
    quarantine.begin().discard()
    for upload in held:
        upload.discard()
    assert list(folder.iterdir()) == []


def test_files_are_counted(folder: Path, events: list[Event]) -> None:
    quarantine = Quarantine(folder, max_files=1)
    with quarantine.receive(io.BytesIO(TABLE), Csv()):
        assert refused(quarantine.begin, events) == ("quota", 503)


def test_one_client_does_not_take_all_the_room(folder: Path, events: list[Event]) -> None:
    quarantine = Quarantine(folder, max_bytes=100_000, quota=400_000, share=200_000)

    def by(client: str) -> Callable[[], Upload]:
        def begin() -> Upload:
            request = PlainRequest((), InputLimits())
            request.client = client
            with running(request):
                return quarantine.begin()

        return begin

    greedy = [by("192.0.2.1")() for _ in range(2)]
    assert refused(by("192.0.2.1"), events) == ("quota", 503)
    for upload in [*greedy, by("192.0.2.2")()]:
        upload.discard()


def test_who_counts_waits_until_the_other_has_counted(folder: Path) -> None:
    quarantine = Quarantine(folder, max_bytes=100_000, quota=100_000, share=100_000)
    counted: list[str] = []

    def begin() -> None:
        try:
            quarantine.begin().discard()
        except Rejected:
            counted.append("full")

    other = os.open(folder, os.O_RDONLY)  # another process, between its count and its file
    fcntl.flock(other, fcntl.LOCK_EX)
    thread = threading.Thread(target=begin)
    thread.start()
    thread.join(0.3)
    assert thread.is_alive()
    (folder / "theirs").write_bytes(b"x")
    os.close(other)
    thread.join()
    assert counted == ["full"]


def test_what_a_killed_process_left_counts_and_goes_in_time(
    folder: Path, events: list[Event]
) -> None:
    code = (
        "import os, sys; from stockade.boundary import Quarantine\n"
        f"q = Quarantine({str(folder)!r}, max_bytes=100_000, quota=200_000, share=200_000)\n"
        "u = q.begin(); u.write(b'x'); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code], check=False)
    [left] = folder.iterdir()
    now = left.stat().st_mtime
    moment = [now + 10]
    quarantine = Quarantine(
        folder, max_bytes=150_000, quota=200_000, share=200_000, max_age=60, clock=lambda: moment[0]
    )
    assert refused(quarantine.begin, events) == ("quota", 503)
    moment[0] = now + 61
    events.clear()
    with quarantine.begin():
        assert not left.exists()
    assert [(event.name, event.details["count"]) for event in events] == [("upload_delete", 1)]


def test_no_room_on_the_disk(quarantine: Quarantine, folder: Path, events: list[Event]) -> None:
    upload = quarantine.begin()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    import signal

    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, before[1]))
    try:

        def act() -> None:
            upload.write(b"a,b\n" * 1_000)
            upload.check(Csv())

        assert refused(act, events) == ("space", 503)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, old)
    assert list(folder.iterdir()) == []


def test_a_folder_that_others_may_enter_is_refused(tmp_path: Path) -> None:
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    with pytest.raises(ConfigError, match="chmod 700"):
        Quarantine(open_to_all)
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(OSError, match=os.strerror(errno.ENOTDIR)):
        Quarantine(tmp_path / "link")


def test_a_planted_link_is_not_written_through(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quarantine = Quarantine(folder, max_bytes=100)
    monkeypatch.setattr("secrets.token_hex", lambda count: "0" * 2 * count)
    name = next(iter(_names(quarantine, folder)))
    (tmp_path / "secret").write_text("mine")
    (folder / name).symlink_to(tmp_path / "secret")
    with open(folder / name, "wb") as file:  # the exploit, bare
        file.write(b"owned")
    assert (tmp_path / "secret").read_text() == "owned"
    with pytest.raises(FileExistsError):
        quarantine.begin()


def _names(quarantine: Quarantine, folder: Path) -> list[str]:
    with quarantine.begin():
        return [path.name for path in folder.iterdir()]


def test_no_descriptor_is_left_open(quarantine: Quarantine) -> None:
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("counts descriptors in /proc")
    before = len(os.listdir("/proc/self/fd"))
    for content in (TABLE, b"a,b\n1\n", b"", b"x" * 100_001):
        try:
            quarantine.receive(Stream(content), Csv()).discard()
        except Rejected:
            pass
    assert len(os.listdir("/proc/self/fd")) == before


def test_durable_waits_for_the_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    with Quarantine(folder).receive(io.BytesIO(TABLE), Csv()):
        assert synced == []
    with Quarantine(folder, durable=True).receive(io.BytesIO(TABLE), Csv()):
        assert len(synced) == 1

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from stockade.watch.appender import Appender


def test_a_new_file_is_for_its_owner_only_and_is_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "log"
    for _ in range(2):
        file = Appender(path, kind="log")
        assert file.append(b"a\n")
        file.close()
    assert path.read_bytes() == b"a\na\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_partial_write_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, write = tmp_path / "log", os.write
    file = Appender(path, kind="log")
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, bytes(data[:3])))
    assert file.append(b"first line\nsecond line\n")
    assert path.read_bytes() == b"first line\nsecond line\n"


def test_a_line_torn_by_a_full_disk_is_ended_and_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path, write, room = tmp_path / "log", os.write, 8

    def full(fd: int, data: bytes) -> int:
        nonlocal room
        if not room:
            raise OSError(errno.ENOSPC, "No space left on device")
        done = write(fd, bytes(data[:room]))
        room -= done
        return done

    file = Appender(path, kind="log")
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        assert not file.append(b"one\ntwo-two\n")
        assert not file.append(b"three\n")
        assert file.waiting == 2
    assert file.append(b"four\n")
    assert path.read_bytes() == b"one\ntwo-\ntwo-two\nthree\nfour\n"
    assert (file.waiting, file.lost, file.failures) == (0, 0, 2)
    told = capsys.readouterr().err
    assert "ENOSPC" in told
    assert "is written again; 0 line(s) were lost" in told


def test_memory_is_bounded_and_what_it_cannot_hold_is_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = Appender("/dev/full", kind="log", keep_lines=3)
    for number in range(5):
        file.append(b"%d\n" % number)
    assert (file.waiting, file.lost) == (3, 2)
    assert bytes(file._backlog) == b"0\n1\n2\n"
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_complaints_come_at_once_and_then_once_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    moment = 0.0
    file = Appender("/dev/full", kind="log", clock=lambda: moment)
    told = []
    for moment in (0.0, 1.0, 59.0, 61.0):  # noqa: B007 - the clock reads it
        file.append(b"x\n")
        told.append("ENOSPC" in capsys.readouterr().err)
    assert told == [True, False, False, True]


def test_after_rotation_lines_go_to_the_new_file(tmp_path: Path) -> None:
    path = tmp_path / "log"
    file = Appender(path, kind="log")
    file.append(b"old\n")
    path.rename(tmp_path / "log.1")
    file.append(b"new\n")
    assert (tmp_path / "log.1").read_bytes() == b"old\n"
    assert path.read_bytes() == b"new\n"


def test_a_deleted_folder_is_told_and_lines_wait_until_it_is_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "logs" / "log"
    path.parent.mkdir()
    file = Appender(path, kind="log")
    file.append(b"1\n")
    path.unlink()
    path.parent.rmdir()
    assert not file.append(b"2\n")
    assert "ENOENT" in capsys.readouterr().err
    path.parent.mkdir()
    assert file.append(b"3\n")
    assert path.read_bytes() == b"2\n3\n"


def test_a_closed_pipe_is_told_and_nothing_is_raised(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    file = Appender(fifo, kind="log")
    assert file.append(b"1\n")
    os.close(reader)
    assert not file.append(b"2\n")
    assert "EPIPE" in capsys.readouterr().err


def test_a_dash_is_standard_output(capfd: pytest.CaptureFixture[str]) -> None:
    file = Appender("-", kind="log")
    file.append(b"line\n")
    file.close()
    file.append(b"still open\n")
    assert capfd.readouterr().out == "line\nstill open\n"

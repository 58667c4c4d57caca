from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from stockade.tools.events.follow import Follower


def collect(follower: Follower, writes: list[Callable[[], object]]) -> list[bytes]:
    """Each write, then all that has come by then."""
    got: list[bytes] = []
    for write in writes:
        write()
        got += follower.lines(lambda: True)
    return got


def test_only_what_is_appended_and_only_whole_lines(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_bytes(b"old\n")
    follower = Follower(str(file), print)
    with file.open("ab", buffering=0) as log:
        got = collect(
            follower,
            [
                lambda: log.write(b"one\ntw"),
                lambda: log.write(b"o\n"),
                lambda: log.write(b"half"),
            ],
        )
    follower.close()
    assert got == [b"one\n", b"two\n"]


def test_a_rotated_log_loses_no_line(tmp_path: Path) -> None:
    file, said = tmp_path / "log", list[str]()
    file.write_bytes(b"")
    follower = Follower(str(file), said.append)
    old = file.open("ab", buffering=0)

    def rotate() -> None:
        old.write(b"before\n")
        os.rename(file, tmp_path / "log.1")
        old.write(b"after the renaming\n")
        file.write_bytes(b"in the new file\n")

    got = collect(follower, [rotate, lambda: None])
    old.close()
    follower.close()
    assert got == [b"before\n", b"after the renaming\n", b"in the new file\n"]
    assert said == []


def test_a_log_that_is_gone_for_a_while_or_not_there_yet(tmp_path: Path) -> None:
    file = tmp_path / "log"
    follower = Follower(str(file), print)
    got = collect(
        follower,
        [
            lambda: None,
            lambda: file.write_bytes(b"first\n"),
            lambda: os.rename(file, tmp_path / "log.1"),
            lambda: file.write_bytes(b"second\n"),
            lambda: None,
        ],
    )
    follower.close()
    assert got == [b"first\n", b"second\n"]


def test_a_log_that_is_cut_off_is_said_and_read_from_its_start(tmp_path: Path) -> None:
    file, said = tmp_path / "log", list[str]()
    file.write_bytes(b"a long line of before\n")
    follower = Follower(str(file), said.append)
    got = collect(
        follower,
        [lambda: os.truncate(file, 0), lambda: file.write_bytes(b"new\n"), lambda: None],
    )
    follower.close()
    assert got == [b"new\n"]
    assert len(said) == 1
    assert "cut off" in said[0]

from __future__ import annotations

import json
import os

import pytest

from stockade.boot.handshake import GUARDED, PIPE, tell


def test_a_message_is_one_line_through_the_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    read_end, write_end = os.pipe()
    try:
        monkeypatch.setenv(PIPE, f"{write_end}:{os.fstat(write_end).st_ino}")
        assert tell(GUARDED, layers={"umask": "applied"})
        line = os.read(read_end, 4096)
    finally:
        os.close(read_end)
        os.close(write_end)
    assert line.endswith(b"\n")
    assert json.loads(line) == {"kind": GUARDED, "pid": os.getpid(), "layers": {"umask": "applied"}}


def test_a_file_that_took_the_pipes_number_is_not_written_to(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pytest.TempPathFactory
) -> None:
    with open(f"{tmp_path}/records", "w+b") as records:
        number = records.fileno()
        for address in (
            f"{number}:1",
            f"{number}:{os.fstat(number).st_ino}",
            "x:1",
            "",
            "999999:1",
        ):
            monkeypatch.setenv(PIPE, address)
            assert not tell(GUARDED)
        assert os.fstat(number).st_size == 0

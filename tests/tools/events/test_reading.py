from __future__ import annotations

import gzip
import io
import os
import sys
import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.tools.events import reading as module
from stockade.tools.events.reading import Reading, rotated
from stockade.watch.ocsf import OcsfLines
from tests.tools.events.logs import event, lines

THREE = [event(number, rule=f"rule-{number}") for number in range(3)]


def test_a_log_is_read_in_either_format_packed_or_not(tmp_path: Path) -> None:
    plain, packed, ocsf = (tmp_path / name for name in ("a.jsonl", "b.gz", "c.jsonl"))
    plain.write_bytes(lines(*THREE))
    packed.write_bytes(gzip.compress(lines(*THREE)))
    ocsf.write_bytes(OcsfLines()(THREE))
    for file in (plain, packed, ocsf):
        reading = Reading()
        assert list(reading.all(str(file))) == THREE
        assert (reading.events, reading.incomplete) == (3, False)
    assert list(Reading().backwards(str(plain))) == THREE[::-1]


def test_what_is_no_event_is_counted_and_the_others_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LONGEST", 4_096)
    file = tmp_path / "log"
    long = b'{"name": "' + b"x" * 20_000 + b'"}\n'
    odd = b'INFO: started\n{"a": 1}\n[]\n\xff\n\n' + long
    file.write_bytes(lines(THREE[0]) + odd + lines(*THREE[1:]) + b'{"time": "2026')
    reading = Reading()
    assert list(reading.all(str(file))) == THREE
    assert (reading.foreign, reading.torn) == (5, 1)
    backwards = Reading()
    assert list(backwards.backwards(str(file))) == THREE[::-1]
    assert backwards.torn == 1
    assert backwards.incomplete


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    cut = tmp_path / "cut.gz"
    cut.write_bytes(gzip.compress(lines(*THREE))[:-20])
    for name in (str(cut), str(tmp_path / "absent"), str(tmp_path)):
        reading = Reading()
        list(reading.all(name))
        assert len(reading.troubles) == 1
        assert reading.incomplete


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(lines(*THREE))))
    assert list(Reading().all("-")) == THREE


def test_memory_stays_flat(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_bytes(lines(*THREE) * 20_000)
    assert file.stat().st_size > 10 << 20
    tracemalloc.start()
    reading = Reading()
    assert sum(1 for _ in reading.all(str(file))) == 60_000
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 1 << 20


@given(st.binary(max_size=300))
def test_no_bytes_crash_it_and_every_line_is_accounted_for(content: bytes) -> None:
    reading = Reading()
    found = list(reading._lines(io.BytesIO(content)))
    whole = [line for line in content.split(b"\n")[:-1] if line.strip()]
    assert len(found) + reading.foreign == len(whole)
    assert reading.torn == bool(content.split(b"\n")[-1].strip())


@given(st.lists(st.binary(max_size=9).filter(lambda line: b"\n" not in line)), st.integers(1, 7))
def test_backwards_is_forwards_turned_round(written: list[bytes], block: int) -> None:
    content = b"\n".join(written)
    before, module._BLOCK = module._BLOCK, block
    try:
        found = list(module._reversed(io.BytesIO(content), None))
    finally:
        module._BLOCK = before
    assert found[::-1] == content.split(b"\n")


def test_rotated_files_come_first_the_oldest_of_them_before_all(tmp_path: Path) -> None:
    names = ["events.jsonl.2.gz", "events.jsonl-20260101.gz", "events.jsonl.1", "events.jsonl"]
    for age, name in enumerate(names):
        (tmp_path / name).write_bytes(b"")
        os.utime(tmp_path / name, (age, age))
    (tmp_path / "other.jsonl.1").write_bytes(b"")
    found = rotated(str(tmp_path / "events.jsonl"))
    assert [Path(name).name for name in found] == names
    assert rotated("-") == ["-"]
    assert rotated("absent/log") == ["absent/log"]

from __future__ import annotations

import fcntl
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.core.errors import AuditError
from stockade.watch.audit import segments, tiles
from stockade.watch.audit.backlog import Backlog
from stockade.watch.audit.spool import Spool


@given(st.binary(max_size=300))
def test_any_bytes_are_entries_and_nothing_of_them_is_lost(data: bytes) -> None:
    entries = segments.entries_of(data)
    assert b"".join(entries) == data.replace(b"\n", b"")
    assert all(entries)


def test_what_is_too_long_for_an_entry_is_several() -> None:
    long = b"x" * (2 * tiles.LONGEST + 1)
    entries = segments.entries_of(b"a\n" + long + b"\nb\n")
    assert entries == [b"a", long[: tiles.LONGEST], long[: tiles.LONGEST], b"x", b"b"]


def test_a_writer_goes_on_in_the_next_segment(tmp_path: Path) -> None:
    spool, other = Spool(tmp_path, lambda: 7), Spool(tmp_path, lambda: 7)
    for number in range(3):
        assert spool.append(b"%d\n" % number)
        assert other.append(b"other %d\n" % number)
    backlog = Backlog(tmp_path)
    backlog.seek(7)
    assert len(backlog.take()) == 6
    assert backlog.seal(at_least=1)
    assert spool.append(b"after\n")
    assert other.append(b"after\n")
    assert [one.base for one in segments.segments(tmp_path)] == [7, 13]
    assert backlog.take() == [b"after", b"after"]
    backlog.drop(13)
    assert [one.base for one in segments.segments(tmp_path)] == [13]
    spool.close()
    other.close()


def test_a_line_cut_short_is_written_again_whole_whoever_writes_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool, other, write = Spool(tmp_path, lambda: 0), Spool(tmp_path, lambda: 0), os.write
    assert spool.append(b"before\n")
    assert other.append(b"other\n")

    def short(descriptor: int, data: bytes) -> int:
        monkeypatch.setattr(os, "write", write)
        done = write(descriptor, bytes(data[:12]))
        assert other.append(b"between\n")
        return done

    monkeypatch.setattr(os, "write", short)
    assert spool.append(b"first\nsecond\nthird\n")
    spool.close()
    other.close()
    backlog = Backlog(tmp_path)
    assert backlog.take() == [
        b"before", b"other", b"first", b"secon", b"between", b"second", b"third",
    ]  # fmt: skip
    assert spool.lost == 0


def test_a_file_that_takes_no_line_whole_is_not_tried_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool, write = Spool(tmp_path, lambda: 0), os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, bytes(data[:6])))
    assert not spool.append(b"four\nlonger than that\nfour\n")
    assert (spool.waiting, spool.lost) == (2, 0)
    monkeypatch.setattr(os, "write", write)
    assert spool.append(b"after\n")
    spool.close()
    taken = Backlog(tmp_path).take()
    whole = [line for line in taken if line != b"longe"]
    assert whole == [b"four", b"longer than that", b"four", b"after"]


def test_a_segment_is_not_sealed_while_somebody_writes(tmp_path: Path) -> None:
    spool = Spool(tmp_path, lambda: 0)
    spool.append(b"1\n")
    backlog = Backlog(tmp_path)
    backlog.take()
    [segment] = segments.segments(tmp_path)
    writer = os.open(segment.path, os.O_WRONLY | os.O_APPEND)
    fcntl.flock(writer, fcntl.LOCK_SH)
    assert not backlog.seal(at_least=1)
    os.write(writer, b"\n2\n")
    os.close(writer)
    assert backlog.seal(at_least=1)
    assert segments.segments(tmp_path)[-1].base == 2
    assert backlog.take() == [b"2"]
    spool.close()


def test_a_seal_whose_maker_was_killed_is_completed_by_the_next_writer(tmp_path: Path) -> None:
    spool = Spool(tmp_path, lambda: 0)
    spool.append(b"1\n2\n")
    [segment] = segments.segments(tmp_path)
    assert segments.seal(segment, 0, 0) == 2  # and no next segment
    assert spool.append(b"3\n")
    backlog = Backlog(tmp_path)
    assert backlog.take() == [b"1", b"2"]
    assert backlog.take() == [b"3"]
    assert backlog.index == 3
    spool.close()


def test_a_deleted_folder_is_made_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spool = Spool(tmp_path / "spool", lambda: 0)
    spool.append(b"1\n")
    for path in (tmp_path / "spool").iterdir():
        path.unlink()
    (tmp_path / "spool").rmdir()
    assert spool.append(b"2\n")
    assert Backlog(tmp_path / "spool").take() == [b"2"]
    spool.close()


@pytest.mark.parametrize("start", range(8))
def test_reading_begins_anywhere(tmp_path: Path, start: int) -> None:
    spool = Spool(tmp_path, lambda: 0)
    for number in range(4):
        spool.append(b"a%d\nb%d\n" % (number, number))
    backlog = Backlog(tmp_path)
    backlog.seek(start)
    every = [b"%c%d" % (letter, number) for number in range(4) for letter in b"ab"]
    assert [*backlog.take(1), *backlog.take()] == every[start:]
    backlog.seek(start)
    assert backlog.take(2) == every[start : start + 2]
    spool.close()


def test_an_unfinished_line_is_waited_for(tmp_path: Path) -> None:
    spool = Spool(tmp_path, lambda: 0)
    spool.append(b"1\n")
    [segment] = segments.segments(tmp_path)
    with segment.path.open("ab") as file:
        file.write(b"\nhalf")
        file.flush()
        backlog = Backlog(tmp_path)
        assert backlog.take() == [b"1"]
        assert backlog.take() == []
        file.write(b" and half\n")
    assert backlog.take() == [b"half and half"]
    spool.close()


def test_missing_segments_are_noticed(tmp_path: Path) -> None:
    for base, lines in ((0, b"1\n2\n"), (3, b"4\n")):
        (tmp_path / f"{base:020d}.jsonl").write_bytes(lines)
    backlog = Backlog(tmp_path)
    assert backlog.take() == [b"1", b"2"]
    with pytest.raises(AuditError, match="goes on at entry 3 where 2 should be"):
        backlog.take()
    (tmp_path / f"{0:020d}.jsonl").unlink()
    with pytest.raises(AuditError, match="begins after entry 1"):
        Backlog(tmp_path).seek(1)
    with pytest.raises(AuditError, match="neither in the tiles nor in the spool"):
        Backlog(tmp_path).seek(9)


def test_a_spool_that_nobody_empties_fails_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("stockade.watch.audit.spool.MOST_BYTES", 100)
    spool = Spool(tmp_path, lambda: 0, keep=3)
    for _ in range(20):
        spool.append(b"x" * 9 + b"\n")
    assert (spool.waiting, spool.lost) == (3, 7)
    assert "EFBIG" in capsys.readouterr().err
    spool.close()


def test_a_child_does_not_keep_its_parents_lock(tmp_path: Path) -> None:
    """Forked while the parent holds it, and alive after the parent let go."""
    hear, say = os.pipe()
    with segments.exclusive(tmp_path / "lock") as locked:
        assert locked
        child = os.fork()
        if child == 0:
            os.read(hear, 1)
            os._exit(0)
    with segments.exclusive(tmp_path / "lock", wait=False) as again:
        assert again
    os.write(say, b"x")
    assert os.waitpid(child, 0)[1] == 0
    os.close(hear)
    os.close(say)


def test_a_limit_on_files_fails_open_and_the_count_is_exact(tmp_path: Path) -> None:
    """RLIMIT_FSIZE: the spool takes 40,000 bytes and not one more."""
    program = f"""
import resource, sys
from pathlib import Path
from stockade.watch.audit.spool import Spool
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, {resource.RLIM_INFINITY}))
spool = Spool(Path(sys.argv[1]), lambda: 0, keep=50)
for number in range(1_000):
    spool.append(b"<%0*d>\\n" % (int(sys.argv[2]), number))
print(spool.waiting, spool.lost)
"""
    for width in (198, 197, 196):  # the limit is met before, at and within the end of a line
        child = subprocess.run(
            [sys.executable, "-c", program, tmp_path / str(width), str(width)],
            check=True, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        waiting, lost = map(int, child.stdout.split())
        [segment] = (tmp_path / str(width)).glob("*.jsonl")
        lines = segment.read_bytes().split(b"\n")
        whole = [line for line in lines if line[:1] == b"<" and line[-1:] == b">"]
        assert waiting == 50
        assert len(whole) + waiting + lost == 1_000
        assert "EFBIG" in child.stderr


def test_nor_does_the_child_of_a_killed_parent(tmp_path: Path) -> None:
    """Killed while it held the lock; its child lives on."""
    program = """
import os, signal, sys, time
from pathlib import Path
from stockade.watch.audit import segments
with segments.exclusive(Path(sys.argv[1])):
    child = os.fork()
    if child == 0:
        os.closerange(1, 3)  # whoever reads our output does not wait for the child
        time.sleep(60)
    print(child, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    parent = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "lock"], capture_output=True, check=False
    )
    child = int(parent.stdout)
    try:
        assert parent.returncode == -signal.SIGKILL
        with segments.exclusive(tmp_path / "lock") as locked:
            assert locked
    finally:
        os.kill(child, signal.SIGKILL)

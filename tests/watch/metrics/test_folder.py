"""Several processes and one folder: what is summed up is what was counted, whoever ends and how."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stockade.core.bus import Bus
from stockade.core.errors import ConfigError
from stockade.core.events import Event
from stockade.core.health import Health
from stockade.core.tally import Tally
from stockade.watch.metrics.counts import Counts
from stockade.watch.metrics.counts_file import encode
from stockade.watch.metrics.folder import Folder
from stockade.watch.metrics.snapshot import Snapshot, Sums

ROUTE = ("/a", "200")

# A process that counts N requests, publishes, says so, and waits for a line to end by.
WORKER = textwrap.dedent(
    """
    import sys
    from stockade.core.tally import tally
    from stockade.watch.metrics.counts import Counts
    counts = Counts(folder=sys.argv[1])
    for line in sys.stdin:
        for _ in range(int(line)):
            tally.row(200, "/a").observe(1)
        counts.publish()
        print("published", flush=True)
    """
)


WORKERS: list[Worker] = []


class Worker:
    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        WORKERS.append(self)

    def count(self, requests: int) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{requests}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "published\n"

    def kill(self) -> None:
        self.process.kill()
        self.end()

    def end(self) -> None:
        if self.process.stdin is not None and not self.process.stdin.closed:
            self.process.communicate()


@pytest.fixture(autouse=True)
def _no_worker_is_left() -> Iterator[None]:
    yield
    while WORKERS:
        WORKERS.pop().kill()


def reader(folder: Path) -> Counts:
    return Counts(Bus(), Tally(), Health(), folder=folder)


def requests(sums: Sums) -> int:
    return sums.rows[ROUTE][0] if ROUTE in sums.rows else 0


def live(sums: Sums) -> float:
    return sums.numbers["processes"][()]


def test_processes_add_up_and_the_dead_stay_counted(tmp_path: Path) -> None:
    counts = reader(tmp_path)
    workers = [Worker(tmp_path) for _ in range(3)]
    for number, worker in enumerate(workers, 1):
        worker.count(number * 10)
    sums = counts.total()
    assert (requests(sums), live(sums)) == (60, 4)
    workers[0].kill()
    workers[1].end()
    for _ in range(2):  # once folded into the base, they are not counted again
        sums = counts.total()
        assert (requests(sums), live(sums)) == (60, 2)
    workers[2].count(5)
    assert requests(counts.total()) == 65
    workers[2].kill()
    sums = counts.total()
    assert (requests(sums), live(sums)) == (65, 1)
    assert {file.name for file in tmp_path.iterdir()} == {"base.counts", "lock"}


def test_a_crash_between_base_and_removal_counts_nobody_twice(tmp_path: Path) -> None:
    counts = reader(tmp_path)
    worker = Worker(tmp_path)
    worker.count(7)
    (file,) = tmp_path.glob("*.counts")
    data = file.read_bytes()
    worker.kill()
    assert requests(counts.total()) == 7
    file.write_bytes(data)  # as if whoever folded had died before it removed the file
    assert requests(counts.total()) == 7
    assert requests(counts.total()) == 7
    assert not file.exists()


def test_a_stopped_process_is_not_taken_for_a_dead_one(tmp_path: Path) -> None:
    worker = Worker(tmp_path)
    worker.count(3)
    os.kill(worker.process.pid, signal.SIGSTOP)
    try:
        sums = reader(tmp_path).total()
        assert (requests(sums), live(sums)) == (3, 2)
    finally:
        os.kill(worker.process.pid, signal.SIGCONT)
        worker.kill()


@pytest.mark.parametrize("cut", [0, 10, 40, -1])
def test_a_torn_file_is_reported_and_not_believed(
    cut: int, tmp_path: Path, events: list[Event], capsys: pytest.CaptureFixture[str]
) -> None:
    worker = Worker(tmp_path)
    worker.count(9)
    (file,) = tmp_path.glob("*.counts")
    worker.kill()
    file.write_bytes(file.read_bytes()[:cut])
    counts = reader(tmp_path)
    assert requests(counts.total()) == 0
    assert ("counts_rejected", (), 1) in list(counts._own_readings())
    assert [event.rule for event in events] == ["metrics.torn"]
    assert "torn or foreign" in capsys.readouterr().err
    assert len(list(tmp_path.glob("*.torn"))) == 1
    assert requests(counts.total()) == 0


def test_counts_of_another_version_are_set_aside(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    counts = reader(tmp_path)
    worker = Worker(tmp_path)
    worker.count(1)
    (file,) = tmp_path.glob("*.counts")
    worker.kill()
    file.write_bytes(encode(Snapshot(0.0, 1, {}, [(ROUTE, (1, 1, (1, 2, 3)))], [])))
    assert requests(counts.total()) == 0
    assert "torn or foreign" in capsys.readouterr().err


def test_a_folder_that_others_may_write_to_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(ConfigError, match="others, who could invent"):
        Folder(tmp_path)
    tmp_path.chmod(0o700)
    with pytest.raises(ConfigError, match="cannot be made or read"):
        Folder(Path("/proc/nowhere/run"))


def test_a_folder_that_another_process_keeps_is_an_error_and_no_wrong_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = reader(tmp_path)
    program = (
        "import sys, time; from pathlib import Path\n"
        "from stockade.watch.metrics.held import Held\n"
        "held = Held.take(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "lock")], stdout=subprocess.PIPE
    )
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        monkeypatch.setattr("stockade.watch.metrics.folder._WAIT_SECONDS", 0.1)
        with pytest.raises(TimeoutError):
            counts.total()
    finally:
        other.kill()
        other.communicate()
    assert requests(counts.total()) == 0


def test_a_folder_that_somebody_removes_is_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    worker = Worker(folder)
    worker.count(4)
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    worker.count(2)
    assert requests(reader(folder).total()) == 6
    worker.end()
    assert requests(reader(folder).total()) == 6


def test_a_forked_worker_counts_by_itself_and_does_not_keep_its_parent_alive(
    tmp_path: Path,
) -> None:
    program = textwrap.dedent(
        """
        import os, sys, time
        from stockade.core.tally import tally
        from stockade.watch.metrics.counts import Counts
        counts = Counts(folder=sys.argv[1])
        for _ in range(10): tally.row(200, "/a").observe(1)
        counts.publish()
        child = os.fork()
        if not child:
            for _ in range(5): tally.row(200, "/a").observe(1)
            counts.publish()
            os.write(1, b"child\\n")
            time.sleep(60)
        os.write(1, f"{child}\\n".encode())
        time.sleep(60)
        """
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    lines = {parent.stdout.readline().strip() for _ in range(2)}
    child = int((lines - {"child"}).pop())
    counts = reader(tmp_path)
    try:
        sums = counts.total()
        assert (requests(sums), live(sums)) == (15, 3)
        parent.kill()
        parent.wait()
        sums = counts.total()
        assert (requests(sums), live(sums)) == (15, 2)
    finally:
        os.kill(child, signal.SIGKILL)
        parent.communicate()
    deadline = time.monotonic() + 5
    while live(sums := counts.total()) > 1 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert (requests(sums), live(sums)) == (15, 1)


def test_what_a_writer_left_half_done_is_swept_up(tmp_path: Path) -> None:
    counts = reader(tmp_path)
    old, new = tmp_path / "a.1.draft", tmp_path / "b.1.draft"
    for draft in (old, new):
        draft.write_bytes(b"half")
    os.utime(old, (1, 1))
    counts.total()
    assert not old.exists()
    assert new.exists()

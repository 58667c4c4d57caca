"""What the SQLite store promises beyond the common behaviour: processes, forks, kills, files."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from stockade.core.errors import StoreError
from stockade.core.events import Event
from stockade.stores import SQLiteStore


def rows(path: str | Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def open_files() -> set[str]:
    """The files that this process holds open; none known where there is no /proc."""
    found = set()
    for descriptor in Path("/proc/self/fd").glob("*"):
        with suppress(OSError):
            found.add(str(descriptor.readlink()))
    return found


def test_file_and_its_companions_are_private(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store = SQLiteStore(tmp_path / "new" / "state.db")
        store.put("k", b"x")
        files = sorted((tmp_path / "new").iterdir())
        assert [file.name for file in files] == ["state.db", "state.db-shm", "state.db-wal"]
        assert [mode(file) for file in files] == [0o600] * 3
        assert mode(tmp_path / "new") == 0o700
        store.close()
    finally:
        os.umask(before)


def test_a_lax_file_is_tightened(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    SQLiteStore(path).close()
    path.chmod(0o644)
    SQLiteStore(path).close()
    assert mode(path) == 0o600


def test_entries_outlive_the_store(tmp_path: Path) -> None:
    first = SQLiteStore(tmp_path / "state.db")
    first.put("k", b"x")
    first.increment("c", window=60)
    first.close()
    second = SQLiteStore(tmp_path / "state.db")
    assert second.get("k") == b"x"
    assert second.increment("c", window=60) == 2
    second.close()


WORKER = """
import sys
from stockade.stores import SQLiteStore
store = SQLiteStore(sys.argv[1])
for number in range(50):
    store.increment("c", window=600)
    if store.add(f"lock:{number}", b""):
        print(number)
"""


def test_several_processes_lose_nothing(tmp_path: Path) -> None:
    # All start on an absent file, so they also race to create it.
    path = str(tmp_path / "state.db")
    workers = [
        subprocess.Popen([sys.executable, "-c", WORKER, path], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    won = [int(line) for worker in workers for line in worker.communicate()[0].split()]
    assert [worker.returncode for worker in workers] == [0] * 4
    assert sorted(won) == list(range(50))
    store = SQLiteStore(path)
    assert store.increment("c", window=600, by=0) == 200
    store.close()


VICTIM = """
import sys
from stockade.stores import SQLiteStore
store = SQLiteStore(sys.argv[1])
number = 0
while True:
    store.put(f"k:{number:06}", b"x")
    print(number, flush=True)
    number += 1
"""


_VISIT = """
import sys
from stockade.stores import SQLiteStore
store = SQLiteStore(sys.argv[1])
print(store.get("after"))
store.close()
"""


def visit(path: Path) -> str:
    """What a process finds that comes, looks and ends."""
    command = [sys.executable, "-c", _VISIT, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("opened", [True, False], ids=["harm", "safe"])
def test_who_comes_and_goes_takes_no_writes_along(tmp_path: Path, opened: bool) -> None:
    path = tmp_path / "state.db"
    with closing(SQLiteStore(path)) as store:
        store.put("before", b"1")
        store.get("before")  # the second connection
        if opened:  # to open and close the file once more drops this process's locks on it
            os.close(os.open(path, os.O_RDWR))
        visit(path)
        store.put("after", b"2")
        assert visit(path) == ("None" if opened else "b'2'")


def test_sigkill_loses_no_committed_entry(tmp_path: Path) -> None:
    path = str(tmp_path / "state.db")
    with subprocess.Popen(
        [sys.executable, "-c", VICTIM, path], stdout=subprocess.PIPE, text=True
    ) as victim:
        assert victim.stdout is not None
        lines = [victim.stdout.readline() for _ in range(200)]
        victim.send_signal(signal.SIGKILL)
        lines += victim.stdout.readlines()
    told = [int(line) for line in lines if line.endswith("\n")]
    assert len(told) >= 200
    store = SQLiteStore(path)
    kept = [int(key[2:]) for key, _ in store.scan("k:")]
    assert kept[: len(told)] == told
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]
    store.close()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_gets_connections_of_its_own(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "state.db")
    store.put("parent", b"x")
    child = os.fork()
    if child == 0:
        try:
            carried = open_files() & {str(tmp_path / "state.db"), str(tmp_path / "state.db-wal")}
            fine = not carried and store.get("parent") == b"x"
            for _ in range(50):
                store.increment("c", window=600)
            os._exit(0 if fine else 1)
        finally:
            os._exit(2)
    for _ in range(50):
        store.increment("c", window=600)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert store.increment("c", window=600, by=0) == 100
    store.close()


def test_readers_do_not_wait_for_a_writer_and_writers_say_why(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "state.db", busy_timeout=0.1)
    store.put("k", b"x")
    other = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    started = time.monotonic()
    assert store.get("k") == b"x"
    assert time.monotonic() - started < 0.1
    for write in (lambda: store.put("k", b"y"), lambda: store.increment("c", window=60)):
        with pytest.raises(StoreError, match="SQLITE_BUSY"):
            write()
    other.execute("ROLLBACK")
    other.close()
    store.put("k", b"y")
    assert store.increment("c", window=60) == 1
    store.close()


def test_opening_waits_for_who_is_just_creating_the_file(tmp_path: Path) -> None:
    # SQLite's own busy timeout does not cover the switch to the write-ahead log.
    path = tmp_path / "state.db"
    first = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    first.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.2, first.execute, ("ROLLBACK",))
    release.start()
    store = SQLiteStore(path, busy_timeout=5)
    store.put("k", b"x")
    store.close()
    release.join()
    first.close()


def test_what_is_not_ours_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    shop = sqlite3.connect(path)
    shop.execute("CREATE TABLE orders (id INTEGER)")
    shop.commit()
    shop.close()
    with pytest.raises(StoreError, match="no state of this version"):
        SQLiteStore(path)
    assert rows(path, "SELECT name FROM sqlite_schema") == [("orders",)]


def test_newer_schema_is_refused(tmp_path: Path, events: list[Event]) -> None:
    path = tmp_path / "state.db"
    SQLiteStore(path).close()
    newer = sqlite3.connect(path)
    newer.execute("PRAGMA user_version = 99")
    newer.close()
    with pytest.raises(StoreError, match="found schema 99"):
        SQLiteStore(path)
    assert [(event.name, event.details["error"]) for event in events] == [
        ("store_failed", "schema")
    ]


def test_garbage_is_a_store_error(tmp_path: Path, events: list[Event]) -> None:
    path = tmp_path / "state.db"
    path.write_bytes(b"not a database " * 100)
    with pytest.raises(StoreError, match="cannot answer"):
        SQLiteStore(path)
    assert [(event.name, event.details["error"]) for event in events] == [
        ("store_failed", "SQLITE_NOTADB")
    ]


def test_folder_in_place_of_a_file_is_a_store_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot answer"):
        SQLiteStore(tmp_path)


def test_a_replaced_connect_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def guarded(*_: object, **__: object) -> None:
        raise AssertionError("the store went through the application's sink")

    monkeypatch.setattr(sqlite3, "connect", guarded)
    SQLiteStore(tmp_path / "state.db").close()

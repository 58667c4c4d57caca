from __future__ import annotations

import os
import signal
from pathlib import Path

from stockade.core.events import Event
from stockade.stores import MemoryStore, open_store
from stockade.testing import FixedClock
from stockade.watch.liveness.processes import Entry, Processes
from tests.watch.liveness.living import events, process, until


def alive(folder: Path) -> list[str]:
    if not (folder / "state.db").exists():
        return []
    store = open_store(str(folder / "state.db"))
    try:
        return [key for key, _ in store.scan("alive:")]
    finally:
        store.close()


def test_a_killed_process_is_told_by_another_and_by_nobody_without_one(tmp_path: Path) -> None:
    # Unwatched: it dies, and no log says so.
    with process(tmp_path, "unwatched", heartbeat=0.0) as victim:
        until(lambda: events(tmp_path, "unwatched", "sys_startup"))
        victim.send_signal(signal.SIGKILL)
        victim.wait()
    assert events(tmp_path, "unwatched", "sys_crash", "sys_shutdown") == []

    with process(tmp_path, "witness"), process(tmp_path, "victim") as victim:
        until(lambda: len(alive(tmp_path)) == 2)
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        [crash] = until(lambda: events(tmp_path, "witness", "sys_crash"))
        assert (crash["rule"], crash["details"]["pid"]) == ("app.vanished", victim.pid)
        assert events(tmp_path, "witness", "sys_restart") == []  # the service never stopped


def test_the_next_start_tells_of_a_service_that_was_killed_as_a_whole(tmp_path: Path) -> None:
    with process(tmp_path, "first") as victim:
        until(lambda: alive(tmp_path))
        victim.send_signal(signal.SIGKILL)
        victim.wait()
    with process(tmp_path, "second"):
        until(lambda: events(tmp_path, "second", "sys_restart"))
        assert len(events(tmp_path, "second", "sys_crash")) == 1


def test_an_orderly_end_is_no_crash(tmp_path: Path) -> None:
    with process(tmp_path, "first", "time.sleep(1.5)") as ends:
        ends.wait()
    assert alive(tmp_path) == []
    assert len(events(tmp_path, "first", "sys_shutdown")) == 1
    with process(tmp_path, "second"):
        until(lambda: alive(tmp_path))
        assert events(tmp_path, "second", "sys_crash", "sys_restart") == []


def test_on_another_host_three_silent_turns_count(events: list[Event]) -> None:
    clock = FixedClock()
    store = MemoryStore(clock=clock)
    here, there = (Processes(lambda: store, 10.0, clock) for _ in "ab")
    there.me = type(there.me)("0123456789abcdef", "another-host", 1, "1")
    there.turn()
    here.turn()
    clock.advance(30.0)
    here.turn()
    assert events == []
    clock.advance(0.1)
    for _ in range(3):
        here.turn()
    assert [event.name for event in events] == ["sys_crash"]  # once
    assert events[0].details["silent_seconds"] == 30.1


def test_a_fork_is_another_process_and_a_reused_process_id_is_no_life() -> None:
    store = MemoryStore()
    processes = Processes(lambda: store, 10.0)
    mine = processes.me
    child = os.fork()
    if child == 0:
        os._exit(processes.me.id == mine.id or processes.me.pid == mine.pid)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert not Entry(mine, 0.0, 10.0).is_gone(1e9)
    assert Entry(type(mine)("x", mine.place, mine.pid, "1"), 0.0, 10.0).is_gone(0.0)
    assert Entry(type(mine)("x", mine.place, child, "1"), 0.0, 10.0).is_gone(0.0)

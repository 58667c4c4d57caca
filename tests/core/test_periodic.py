from __future__ import annotations

import queue
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from stockade.core.events import Event
from stockade.core.periodic import Periodic


def is_alive(periodic: Periodic) -> bool:
    return periodic.alive


def test_it_works_again_and_again_and_once_more_at_the_end() -> None:
    times: list[int] = []
    enough = threading.Event()

    def work() -> None:
        times.append(1)
        if len(times) == 3:
            enough.set()

    periodic = Periodic("test", work, seconds=0.01)
    periodic.start()
    assert enough.wait(10)
    assert is_alive(periodic)
    periodic.close()
    assert not is_alive(periodic)
    done = len(times)
    assert done >= 4
    periodic()  # closed is closed
    time.sleep(0.05)
    assert len(times) == done


def test_the_first_turn_knows_that_it_is_alive() -> None:
    """A probe that is asked by then must not tell of a defence that is down."""
    said: queue.SimpleQueue[bool] = queue.SimpleQueue()
    for _ in range(50):
        periodic = Periodic("test", lambda: None, seconds=60.0)
        periodic._work = lambda itself=periodic: said.put(itself.alive)  # type: ignore[misc]
        periodic.start()
        assert said.get(timeout=10)
        periodic.close(last=False)


def test_work_that_raises_is_told_without_its_words_and_goes_on(
    events: list[Event], capsys: pytest.CaptureFixture[str]
) -> None:
    enough = threading.Event()
    turns = 0

    def work() -> None:
        nonlocal turns
        turns += 1
        if turns == 5:
            enough.set()
        raise ValueError("hunter2")

    periodic = Periodic("test", work, seconds=0.001)
    periodic.start()
    assert enough.wait(10)
    periodic.close(last=False)
    said = capsys.readouterr().err
    assert "hunter2" not in said
    assert "test failed (ValueError), 4 time(s)" in said
    counts = [event.details["count"] for event in events if event.rule == "periodic.test"]
    assert counts[:3] == [1, 2, 4]
    assert periodic.failures >= 5


def test_hurry_does_not_wait_for_the_turn() -> None:
    ran = threading.Semaphore(0)
    periodic = Periodic("test", ran.release, seconds=60)
    periodic.start()
    assert ran.acquire(timeout=10)
    periodic.hurry()
    assert ran.acquire(timeout=10)
    periodic.close(last=False)


def test_work_that_hangs_is_left_behind_at_the_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("stockade.core.periodic._END_SECONDS", 0.05)
    go = threading.Event()
    begun = threading.Event()

    def work() -> None:
        begun.set()
        go.wait(20)

    periodic = Periodic("test", work, seconds=0.01)
    periodic.start()
    assert begun.wait(10)
    periodic.close()
    assert "test still hangs" in capsys.readouterr().err
    go.set()


def test_a_fork_gets_its_thread_when_it_is_asked_and_not_before() -> None:
    program = textwrap.dedent(
        """
        import os, threading, time
        from stockade.core.periodic import Periodic
        ran = threading.Semaphore(0)
        periodic = Periodic("test", ran.release, seconds=0.01)
        periodic.start()
        assert ran.acquire(timeout=10)
        if not os.fork():
            while ran.acquire(blocking=False): pass
            print(periodic.alive, threading.active_count())
            periodic()
            print(ran.acquire(timeout=10), flush=True)
            os._exit(0)
        os.wait()
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == ["False", "1", "True"]

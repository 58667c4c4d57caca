from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Callable

import pytest

from stockade.core.bus import Bus
from stockade.core.events import Event
from stockade.watch.silence import reporter as module
from stockade.watch.silence.reporter import Failure, Reporter


class Dies:
    """Tells from its destructor, as a failing one does."""

    def __init__(self, tell: Callable[[], None]) -> None:
        self.tell, self.itself = tell, self  # a cycle: the garbage collector decides when

    def __del__(self) -> None:
        self.tell()


def test_a_destructor_may_run_while_its_thread_holds_the_bus() -> None:
    bus = Bus(interval=0.001)
    told: list[Event] = []
    bus.subscribe(told.extend)
    reporter = Reporter(bus.publish)
    reporter.start()
    Dies(lambda: reporter.tell(Failure.of("silence.destructor", "x")))

    def collect_under_the_lock() -> None:
        with bus._sampler._lock:  # as publish has it while it counts
            gc.collect()

    thread = threading.Thread(target=collect_under_the_lock, daemon=True)
    thread.start()
    thread.join(5)
    assert not thread.is_alive()
    reporter.close()
    bus.flush(last=True)
    assert [event.rule for event in told] == ["silence.destructor"]

    # The same without the detour waits for itself for ever.
    Dies(lambda: bus.publish(Failure.of("silence.destructor", "x").event()))
    thread = threading.Thread(target=collect_under_the_lock, daemon=True)
    thread.start()
    thread.join(0.5)
    assert thread.is_alive()


def test_what_finds_no_room_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 3)
    told: list[Event] = []
    go = threading.Event()

    def publish(event: Event) -> None:
        go.wait(5)
        told.append(event)

    reporter = Reporter(publish)
    reporter.start()
    for _ in range(10):
        reporter.tell(Failure.of("silence.task", "x"))
        time.sleep(0.01)
    go.set()
    reporter.close()
    written = [event for event in told if event.rule == "silence.task"]
    lost = sum(event.details["lost"] for event in told if event.rule == "silence.lost")
    assert len(written) + lost == 10
    assert lost > 0


def test_a_closed_one_says_nothing_and_a_forked_one_goes_on() -> None:
    told: list[Event] = []
    reporter = Reporter(told.append)
    reporter.tell(Failure.of("silence.task", "x"))
    reporter.start()
    child = os.fork()
    if child == 0:
        reporter()  # the bus calls it: the thread begins anew
        reporter.tell(Failure.of("silence.task", "x"))
        reporter.close()
        os._exit(len(told))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
    reporter.close()
    assert told == []

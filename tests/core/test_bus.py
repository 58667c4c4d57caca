from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

import pytest

from stockade.core.bus import Bus
from stockade.core.context import RequestContext, current, running
from stockade.core.events import Event, now


def event(name: str = "http_request", **fields: Any) -> Event:
    return Event(time=now(), name=name, severity="info", outcome="observed", part="test", **fields)


def wait_for(condition: Any, seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.005)


def test_both_lanes_reach_the_batch_subscribers_from_the_buss_thread() -> None:
    bus = Bus(interval=0.01)
    seen: list[str] = []
    threads: set[str] = set()

    def receive(events: Sequence[Event]) -> None:
        seen.extend(event.name for event in events)
        threads.add(threading.current_thread().name)

    bus.subscribe(receive)
    bus.publish(event())
    bus.publish(event("authz_fail"))
    wait_for(lambda: len(seen) == 2)
    assert set(seen) == {"http_request", "authz_fail"}
    assert threads == {"stockade-bus"}


def test_an_audit_event_is_delivered_before_publish_returns_and_telemetry_is_not() -> None:
    bus = Bus()
    seen: list[Event] = []
    bus.subscribe_audit(seen.append)
    bus.publish(event("http_request"))
    assert seen == []
    bus.publish(event("authz_fail"))
    assert [one.name for one in seen] == ["authz_fail"]


def test_an_unlisted_name_is_refused() -> None:
    with pytest.raises(KeyError):
        Bus().publish(event("no_such_event"))


def test_the_hot_paths_own_append_is_drained() -> None:
    bus = Bus(interval=0.01)
    seen: list[Event] = []
    bus.subscribe(seen.extend)
    for _ in range(3):
        bus.pending.append(event())
        if not bus.armed:
            bus.arm()
    wait_for(lambda: len(seen) == 3)


def test_what_does_not_fit_is_counted_and_told_once_a_flush() -> None:
    bus = Bus(capacity=10, interval=60)
    seen: list[Event] = []
    bus.subscribe(seen.extend)
    for _ in range(25):
        bus.publish(event())
    assert bus.dropped["telemetry"] == 15
    bus.flush()
    told = [one for one in seen if one.name == "events_dropped"]
    assert [one.details for one in told] == [{"telemetry": 15}]
    bus.publish(event())
    bus.flush()
    assert sum(one.name == "events_dropped" for one in seen) == 1
    assert sum(one.name == "http_request" for one in seen) == 11


def test_a_flood_of_telemetry_costs_no_audit_event() -> None:
    bus = Bus(capacity=10, interval=60)
    seen: list[Event] = []
    bus.subscribe(seen.extend)
    for _ in range(100):
        bus.publish(event())
    bus.publish(event("authz_fail"))
    bus.flush()
    assert "authz_fail" in {one.name for one in seen}


def test_a_crashing_subscriber_is_loud_and_costs_the_others_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    bus = Bus(interval=60)
    seen: list[Event] = []

    def crashes(events: Sequence[Event]) -> None:
        raise ValueError("a secret that must not be shown")

    bus.subscribe(crashes)
    bus.subscribe(seen.extend)
    for _ in range(5):
        bus.publish(event())
        bus.flush()
    assert sum(one.name == "http_request" for one in seen) == 5
    (who,) = bus.failures
    assert "crashes" in who
    assert bus.failures[who] >= 5
    failed = [one for one in seen if one.name == "defence_failed"]
    assert failed
    assert failed[0].details["error"] == "ValueError"
    told = capsys.readouterr().err
    assert "crashes failed (ValueError), 1 time(s)" in told
    assert "must not be shown" not in told
    assert len(told.splitlines()) < bus.failures[who]


def test_a_crashing_audit_subscriber_does_not_stop_the_request(
    capsys: pytest.CaptureFixture[str],
) -> None:
    bus = Bus(interval=60)
    seen: list[Event] = []

    def crashes(event: Event) -> None:
        raise OSError

    bus.subscribe_audit(crashes)
    bus.subscribe_audit(seen.append)
    bus.publish(event("authz_fail"))
    assert [one.name for one in seen] == ["defence_failed", "authz_fail"]
    assert "crashes failed (OSError)" in capsys.readouterr().err


def test_a_subscribers_system_exit_does_not_end_the_thread(
    capsys: pytest.CaptureFixture[str],
) -> None:
    bus = Bus(interval=0.01)
    seen: list[Event] = []

    def exits(events: Sequence[Event]) -> None:
        raise SystemExit

    bus.subscribe(exits)
    bus.subscribe(seen.extend)
    bus.publish(event())
    wait_for(lambda: any(one.name == "http_request" for one in seen))
    assert "exits failed (SystemExit)" in capsys.readouterr().err


def test_a_subscriber_may_publish_and_flush_without_a_deadlock() -> None:
    bus = Bus(interval=60)
    seen: list[str] = []

    def answers(events: Sequence[Event]) -> None:
        seen.extend(one.name for one in events)
        if any(one.name == "authn_login_fail" for one in events):
            bus.publish(event("detection_raised"))
        bus.flush()

    bus.subscribe(answers)
    bus.publish(event("authn_login_fail"))
    done = threading.Thread(target=bus.flush, daemon=True)
    done.start()
    done.join(5)
    assert not done.is_alive()
    assert seen == ["authn_login_fail", "detection_raised"]


def test_a_subscriber_that_answers_everything_does_not_pin_a_flush() -> None:
    bus = Bus(interval=0.01)
    calls: list[int] = []

    def echoes(events: Sequence[Event]) -> None:
        calls.append(len(events))
        if len(calls) < 50:
            bus.publish(event())

    bus.subscribe(echoes)
    bus.publish(event())
    bus.flush()
    wait_for(lambda: len(calls) == 50)  # the rest left with later flushes


def test_what_subscribers_do_belongs_to_no_request() -> None:
    bus = Bus(interval=60)
    requests: list[RequestContext | None] = []
    bus.subscribe(lambda events: requests.append(current()))
    with running(RequestContext(id="r1")):
        bus.publish(event())
        bus.flush()
    assert requests == [None]


def test_no_event_is_lost_or_doubled_between_threads() -> None:
    bus = Bus(interval=0.001)
    seen: list[str] = []
    bus.subscribe(lambda events: seen.extend(one.request_id for one in events))

    def work(worker: int) -> None:
        for number in range(500):
            bus.publish(
                event(
                    "authz_fail" if number % 2 else "http_request", request_id=f"{worker}.{number}"
                )
            )

    workers = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    bus.flush()
    assert len(seen) == 2000
    assert len(set(seen)) == 2000
    assert sum(bus.counts.values()) == 2000
    assert sum(thread.name == "stockade-bus" for thread in threading.enumerate()) >= 1


def test_made_up_rules_cannot_grow_the_counts_without_bound() -> None:
    bus = Bus(capacity=1, interval=60)
    for number in range(5_000):
        bus.publish(event(rule=f"rule-{number}"))
    assert len(bus.counts) <= 4_100
    assert sum(bus.counts.values()) >= 5_000


FORK = """
import os, sys
from stockade.core.bus import bus, emit
from stockade.core.events import Outcome
def receive(events):
    for one in events:
        os.write(1, f"{who} {one.details['n']}\\n".encode())
bus.subscribe(receive)
bus.interval = 0.02
who = "parent"
emit("authz_fail", Outcome.BLOCKED, "test", "x", n=1)
bus._counting.acquire()            # as another thread may hold it at the moment of the fork
child = os.fork()
if child == 0:
    who = "child"
    emit("authz_fail", Outcome.BLOCKED, "test", "x", n=2)
    assert sum(bus.counts.values()) == 1
    sys.exit()
bus._counting.release()
assert os.waitpid(child, 0)[1] == 0
emit("authz_fail", Outcome.BLOCKED, "test", "x", n=3)
"""


def run(program: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", program],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        **options,
    )


def test_a_fork_writes_each_event_once_and_both_sides_flush_at_exit() -> None:
    done = run(FORK)
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.splitlines()) == ["child 2", "parent 1", "parent 3"]


HANGS = """
import time
from stockade.core import bus as module
from stockade.core.events import Outcome
module._EXIT_SECONDS = 0.2
module.bus.subscribe(lambda events: time.sleep(60))
module.emit("authz_fail", Outcome.BLOCKED, "test", "x")
"""


def test_a_subscriber_that_hangs_does_not_keep_the_process_from_ending() -> None:
    done = run(HANGS)
    assert done.returncode == 0
    assert "still hangs" in done.stderr

from __future__ import annotations

import asyncio
import signal
import threading
from pathlib import Path

import msgspec
import pytest

from stockade.core.errors import ConfigError
from stockade.core.events import Event
from stockade.stores import MemoryStore
from stockade.testing import FixedClock
from stockade.watch.liveness.jobs import Jobs
from tests.watch.liveness import living
from tests.watch.liveness.living import process, until

DAY = 86_400.0


class World:
    """A store that two processes share, and a clock for all."""

    def __init__(self) -> None:
        self.clock = FixedClock()
        self.store = MemoryStore(clock=self.clock)
        self.jobs, self.others = (Jobs(lambda: self.store, 10.0, self.clock) for _ in "ab")


@pytest.fixture
def world() -> World:
    return World()


def names(events: list[Event]) -> list[str]:
    return [event.name for event in events]


def test_a_killed_job_is_told_by_a_process_that_survives(tmp_path: Path) -> None:
    job = """
        with stockade.job("import"):
            print("begun", flush=True)
            time.sleep(60)
        """
    with process(tmp_path, "unwatched", job, heartbeat=0.0) as worker:
        until(lambda: living.events(tmp_path, "unwatched", "sys_startup"))
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    assert living.events(tmp_path, "unwatched", "job_failed") == []

    with process(tmp_path, "web"), process(tmp_path, "worker", job) as worker:
        until(lambda: living.events(tmp_path, "worker", "sys_startup"))
        until(lambda: _running(tmp_path))
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        failed = until(lambda: living.events(tmp_path, "web", "job_failed"))
        assert [(event["rule"], event["details"]["job"]) for event in failed] == [
            ("jobs.died", "import")
        ] * len(failed)
        done = 'with stockade.job("import"): pass\n'
        with process(tmp_path, "again", done) as again:
            again.wait()
        [well] = living.events(tmp_path, "again", "job_recovered")
        assert well["details"]["after"] == "died"


def _running(folder: Path) -> list[str]:
    from stockade.stores import open_store

    store = open_store(str(folder / "state.db"))
    try:
        return [key for key, _ in store.scan("job-run:")]
    finally:
        store.close()


def test_a_job_that_did_not_run_is_told_once_for_each_time(
    world: World, events: list[Event]
) -> None:
    job = world.jobs.job("nightly", every=DAY, grace=600.0)
    with job:
        pass
    world.clock.advance(DAY + 599.0)
    for jobs in (world.jobs, world.others):
        jobs.turn()
    assert events == []
    world.clock.advance(1.0)
    for jobs in (world.others, world.jobs, world.others):
        jobs.turn()
    assert [(event.name, event.details["missed"]) for event in events] == [("job_missed", 1)]
    world.clock.advance(DAY)
    world.others.turn()
    assert [event.details["missed"] for event in events] == [1, 2]
    with job:
        pass
    assert names(events) == ["job_missed", "job_missed", "job_recovered"]
    assert events[-1].details["after"] == "missed"
    world.jobs.turn()
    assert len(events) == 3


def test_a_job_that_never_ran_is_missed_too_and_one_that_is_forgotten_is_not(
    world: World, events: list[Event]
) -> None:
    world.jobs.job("weekly", every=7 * DAY)
    world.jobs.turn()  # heard of
    world.clock.advance(8 * DAY)
    world.others.turn()
    assert names(events) == ["job_missed"]
    world.jobs.forget("weekly")
    world.clock.advance(8 * DAY)
    world.jobs.turn()
    world.others.turn()
    assert names(events) == ["job_missed"]


def test_a_plan_that_changes_holds_from_then_on(world: World, events: list[Event]) -> None:
    world.jobs.job("sync", every=DAY)
    world.jobs.turn()
    world.jobs.job("sync", every=60.0)
    world.jobs.turn()
    world.clock.advance(61.0)
    world.jobs.turn()
    assert names(events) == ["job_missed"]


def test_an_error_is_told_with_its_line_and_goes_on_its_way(
    world: World, events: list[Event]
) -> None:
    job = world.jobs.job("report")

    @job
    def fails(secret: str) -> None:
        raise ValueError(secret)

    @job
    async def fails_later(secret: str) -> None:
        await asyncio.sleep(0)
        raise KeyError(secret)

    with pytest.raises(ValueError, match="canary"):
        fails("canary")
    with pytest.raises(KeyError, match="canary"):
        asyncio.run(fails_later("canary"))
    assert [(event.name, event.rule) for event in events] == [("job_failed", "jobs.raised")] * 2
    assert events[0].details["exception"] == "builtins.ValueError"
    assert f":{fails.__qualname__}:" in events[0].details["raised"]
    assert "canary" not in str(events)

    @job
    def works() -> int:
        return 7

    assert works() == 7
    assert [(event.name, event.details.get("after")) for event in events[2:]] == [
        ("job_recovered", "raised")
    ]
    assert works() == 7
    assert len(events) == 3


def test_runs_at_the_same_time_are_told_apart(world: World, events: list[Event]) -> None:
    job = world.jobs.job("pull")
    inside, go = threading.Barrier(3), threading.Event()

    def run(fails: bool) -> None:
        try:
            with job:
                inside.wait(5)
                go.wait(5)
                if fails:
                    raise OSError
        except OSError:
            pass

    threads = [threading.Thread(target=run, args=(fails,)) for fails in (True, False)]
    for thread in threads:
        thread.start()
    inside.wait(5)
    world.others.turn()
    assert len(list(world.store.scan("job-run:"))) == 2
    go.set()
    for thread in threads:
        thread.join()
    assert list(world.store.scan("job-run:")) == []
    assert names(events)[0] == "job_failed"


def test_a_job_runs_where_the_store_cannot_answer(world: World, events: list[Event]) -> None:
    job = world.jobs.job("export")
    world.store.close()
    done = []
    with job:
        done.append(1)
    assert done == [1]
    assert set(names(events)) == {"store_failed"}


def test_a_silent_run_on_another_host_has_died(world: World, events: list[Event]) -> None:
    there = world.others
    there._me = msgspec.structs.replace(there._me, place="another-host")
    with there.job("copy"):
        world.clock.advance(25.0)
        there.turn()  # a sign of life
        world.clock.advance(29.0)
        world.jobs.turn()
        assert events == []
        world.clock.advance(2.0)
        world.jobs.turn()
        assert [(event.name, event.rule) for event in events] == [("job_failed", "jobs.died")]
    # It was only slow: that it ended after all is told as well.
    assert names(events) == ["job_failed", "job_recovered"]


@pytest.mark.parametrize(
    ("name", "every", "grace"), [("", 1.0, 0.0), ("a b", 1.0, 0.0), ("a", 0.0, 0.0), ("a", 1, -1)]
)
def test_what_cannot_be_a_job_is_refused(
    world: World, name: str, every: float, grace: float
) -> None:
    with pytest.raises(ConfigError):
        world.jobs.job(name, every=every, grace=grace)

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stockade.core.bus import bus, emit
from stockade.core.events import Event, Outcome
from stockade.core.tally import tally
from stockade.watch.log import JsonLog

SAID = "cannot be written (ENOSPC"


@pytest.fixture
def seen() -> Iterator[list[Event]]:
    bus.flush()
    events: list[Event] = []
    bus.subscribe(events.extend)
    yield events
    bus.unsubscribe(events.extend)


def serve(log: JsonLog, requests: int = 200) -> tuple[int, float]:
    """A service of two threads that publishes under this log: requests answered, seconds."""
    bus.subscribe(log)
    answered: list[int] = []

    def work() -> None:
        for number in range(requests // 2):
            emit("authz_fail", Outcome.BLOCKED, "test", "You may not.", number=number)
            answered.append(number)

    start = time.monotonic()
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - start
    bus.flush()
    bus.flush()
    bus.unsubscribe(log)
    return len(answered), seconds


def test_a_full_disk_delays_the_log_loudly_and_never_the_service(
    seen: list[Event], capsys: pytest.CaptureFixture[str]
) -> None:
    before = tally.log_failures["log"], tally.log_lost["log"]
    log = JsonLog("/dev/full", keep=50)
    answered, seconds = serve(log)
    assert answered == 200
    assert seconds < 5
    assert capsys.readouterr().err.count(SAID) == 1
    assert log.failures >= 1
    assert tally.log_failures["log"] > before[0]
    assert tally.log_lost["log"] - before[1] == log.lost >= 150
    told = [event for event in seen if event.name == "log_write_failed"]
    assert len(told) == 1  # the log's own failure is handed to the log, which fails again
    assert told[0].details["error"] == "ENOSPC"


def test_a_healthy_log_has_every_event_and_says_nothing(
    tmp_path: Path, seen: list[Event], capsys: pytest.CaptureFixture[str]
) -> None:
    log = JsonLog(tmp_path / "log")
    assert serve(log)[0] == 200
    records = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert sum(record["name"] == "authz_fail" for record in records) == 200
    assert (log.failures, log.lost) == (0, 0)
    assert capsys.readouterr().err == ""
    assert not [event for event in seen if event.name == "log_write_failed"]


def test_a_path_that_cannot_be_opened_is_told_at_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    JsonLog(tmp_path / "missing" / "log")
    assert "ENOENT" in capsys.readouterr().err

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import structlog

from stockade.core.bus import bus
from stockade.core.context import RequestContext, running
from stockade.core.events import Event
from stockade.watch.structlog_processors import LineRenderer, ToStream, add_request
from tests.conftest import UNMEASURED

SECRET = "s3cr3t-Database-Pa55"


class Live:
    def values(self) -> tuple[str, ...]:
        return (SECRET,)


@pytest.fixture
def lines() -> Iterator[list[Event]]:
    bus.flush()
    seen: list[Event] = []

    def keep(events: Sequence[Event]) -> None:
        seen.extend(event for event in events if event.name == "app_log")

    bus.subscribe(keep)
    yield seen
    bus.unsubscribe(keep)


def logger(*processors: Any) -> tuple[Any, io.StringIO]:
    written = io.StringIO()
    log = structlog.wrap_logger(structlog.PrintLogger(written), processors=processors)
    return log, written


def test_structlogs_own_renderer_lets_a_field_pass_for_another_and_ours_does_not() -> None:
    def write(renderer: Any) -> str:
        log, written = logger(add_request, structlog.processors.add_log_level, renderer)
        with running(RequestContext("r-1")):
            log.info("bought", note="\u2028\x9b2J\u202e", outcome="allowed", password="hunter2")
        return written.getvalue()

    theirs = write(structlog.processors.JSONRenderer(ensure_ascii=False))
    assert len(theirs.splitlines()) == 2
    assert "\x9b2J" in theirs
    assert json.loads(theirs)["outcome"] == "allowed"
    assert "hunter2" in theirs
    ours = write(LineRenderer())
    (line,) = ours.splitlines()
    assert line.isprintable()
    record = json.loads(line)
    assert (record["name"], record["outcome"], record["request_id"]) == (
        "app_log",
        "observed",
        "r-1",
    )
    assert record["details"]["fields"]["outcome"] == "allowed"
    assert record["details"]["fields"]["password"] == "[redacted]"


def test_an_event_goes_into_the_stream_and_structlog_writes_nothing(lines: list[Event]) -> None:
    log, written = logger(structlog.processors.add_log_level, ToStream())
    with running(RequestContext("r-1", "192.0.2.1")):
        try:
            raise ValueError("no")
        except ValueError:
            log.exception("failed", order=7, logger="shop")
        log.warning("plain")
    bus.flush()
    assert written.getvalue() == ""
    failed, plain = lines
    assert (failed.request_id, failed.client, failed.rule) == ("r-1", "192.0.2.1", "log.error")
    assert failed.details["exception"]["type"] == "builtins.ValueError"
    assert failed.details["fields"] == {"order": 7}
    assert failed.details["logger"] == "shop"
    assert ":test_an_event_goes_into_the_stream" in failed.details["site"]
    assert (plain.details["message"], plain.rule) == ("plain", "log.warning")


def test_live_secrets_are_masked() -> None:
    log, written = logger(LineRenderer(Live()))
    log.info("cannot connect", dsn=f"postgres://{SECRET}@db")
    assert SECRET not in written.getvalue()
    assert "[redacted]" in written.getvalue()


def test_ids_of_the_request_go_before_fields_of_the_same_name() -> None:
    with running(RequestContext("r-1")):
        assert add_request(None, "info", {"request_id": "forged"})["request_id"] == "r-1"
    assert add_request(None, "info", {"a": 1}) == {"a": 1}


def test_nothing_of_ours_imports_structlog_by_itself() -> None:
    program = (
        "import sys, stockade.watch, stockade.app, stockade.watch.application_log;"
        "print('structlog' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=UNMEASURED
    )
    assert done.stdout.strip() == "False"

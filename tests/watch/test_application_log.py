"""The application's lines: each shows what happens to them with nothing but `logging`, too."""

from __future__ import annotations

import io
import json
import logging
import logging.config
import multiprocessing
import multiprocessing.util
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from stockade.core.bus import bus, flush_children
from stockade.core.context import RequestContext, running
from stockade.core.events import Event
from stockade.core.sampling import LINES_PER_WINDOW
from stockade.core.tally import tally
from stockade.watch.application_log import ApplicationLog, LogHandler
from stockade.watch.log import JsonLog
from tests.conftest import UNMEASURED

FORGED = 'x\r\n{"name":"authn_login_success","client":"203.0.113.9"}'
SECRET = "s3cr3t-Database-Pa55"


class Live:
    def values(self) -> tuple[str, ...]:
        return _SECRETS


_SECRETS = (SECRET,)


@pytest.fixture
def lines() -> Iterator[list[Event]]:
    """The `app_log` and `events_sampled` events of the test; `bus.flush()` brings them up."""
    bus.flush()
    bus.sample()
    seen: list[Event] = []

    def keep(events: Any) -> None:
        seen.extend(event for event in events if event.name in ("app_log", "events_sampled"))

    bus.subscribe(keep)
    yield seen
    bus.unsubscribe(keep)
    bus.sample()


@contextmanager
def taken(mode: Any = "copy", **options: Any) -> Iterator[ApplicationLog]:
    log = ApplicationLog(mode, **options)
    log.install()
    try:
        yield log
    finally:
        log.close()
        bus.flush()


@pytest.fixture
def shop() -> Iterator[tuple[logging.Logger, io.StringIO]]:
    """An application's logger with a handler of its own, and what that wrote."""
    written = io.StringIO()
    logger = logging.getLogger("shop.test")
    handler = logging.StreamHandler(written)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    yield logger, written
    logger.removeHandler(handler)
    logger.propagate = True
    logger.setLevel(logging.NOTSET)


Shop = tuple[logging.Logger, io.StringIO]


def test_a_line_is_an_event_of_its_request_and_no_value_of_it_a_line_or_field(
    lines: list[Event], shop: Shop, tmp_path: Path
) -> None:
    logger, written = shop
    request = RequestContext("r-1", "192.0.2.1")
    request.trace_id = "a" * 32
    file = JsonLog(tmp_path / "log")
    bus.subscribe(file)
    with taken(), running(request):
        logger.info("bought %s", FORGED, extra={"request_id": FORGED, "name2": 1})
    bus.unsubscribe(file)
    file.close()
    assert len(written.getvalue().splitlines()) == 2  # what the plain handler makes of it
    (line,) = [text for text in (tmp_path / "log").read_text().splitlines() if "app_log" in text]
    record = json.loads(line)
    assert (record["name"], record["request_id"], record["trace_id"]) == (
        "app_log",
        "r-1",
        "a" * 32,
    )
    assert record["client"] == "192.0.2.1"
    assert (record["severity"], record["rule"]) == ("info", "log.info")
    details = record["details"]
    assert details["message"] == f"bought {FORGED}"
    assert details["fields"] == {"request_id": FORGED, "name2": 1}
    assert details["site"].startswith("test_application_log:test_a_line_is_an_event")
    assert details["logger"] == "shop.test"


class Keeping(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(record)


def test_handlers_of_the_applications_go_on_and_see_the_very_record(
    lines: list[Event], shop: Shop
) -> None:
    logger, written = shop
    handler = Keeping()
    logger.addHandler(handler)
    with taken(secrets=Live()):
        logger.info("honest %d", 7, extra={"a": 1})
    logger.removeHandler(handler)
    assert written.getvalue() == "honest 7\n"
    (record,) = handler.seen
    assert (record.msg, record.args) == ("honest %d", (7,))
    assert set(record.__dict__) - set(logging.makeLogRecord({}).__dict__) <= {"a", "message"}


def test_configuring_logging_afterwards_still_works_and_loses_no_line() -> None:
    program = """
import logging, logging.config, sys
from stockade.core.bus import bus, flush_children
from stockade.watch.application_log import ApplicationLog, LogHandler
if sys.argv[1] == "handler":
    logging.getLogger().addHandler(LogHandler())   # the naive way
else:
    ApplicationLog("copy").install()
seen = []
bus.subscribe(lambda events: seen.extend(e.details["message"] for e in events))
logging.basicConfig(level=logging.INFO, format="OWN %(message)s")
logging.getLogger("a").info("one")
logging.config.dictConfig({"version": 1, "disable_existing_loggers": False,
    "root": {"level": "INFO", "handlers": []}, "loggers": {"b": {"propagate": False}}})
logging.getLogger("a").info("two"); logging.getLogger("b").info("three")
bus.flush()
print(seen)
"""

    def run(way: str) -> tuple[str, str]:
        done = subprocess.run(
            [sys.executable, "-c", program, way],
            capture_output=True,
            text=True,
            check=True,
            env=UNMEASURED,
        )
        return done.stdout.strip(), done.stderr.strip()

    assert run("handler") == ("[]", "")
    assert run("installed") == ("['one', 'two', 'three']", "OWN one")


def test_no_live_secret_reaches_any_handler(lines: list[Event], shop: Shop) -> None:
    logger, written = shop

    def leak() -> None:
        logger.warning("cannot connect with %s", SECRET, extra={"dsn": f"postgres://{SECRET}@db"})
        try:
            raise ConnectionError(f"refused: {SECRET}")
        except ConnectionError:
            logger.exception("again")
        logger.warning({"event": f"dict {SECRET}"})

    leak()
    assert written.getvalue().count(SECRET) == 3
    written.truncate(0)
    with taken(secrets=Live()):
        leak()
    assert SECRET not in written.getvalue()
    assert written.getvalue().count("[redacted]") == 3
    assert "ConnectionError: refused: [redacted]" in written.getvalue()


def test_of_an_exception_there_is_type_message_and_lines_of_code_never_a_variable(
    lines: list[Event], shop: Shop
) -> None:
    logger, _ = shop
    with taken():
        try:
            try:
                hidden = "value-of-a-variable"
                raise KeyError(len(hidden))
            except KeyError as error:
                raise ValueError("outer\r\nforged") from error
        except ValueError:
            logger.exception("failed")
    (event,) = lines
    told = event.details["exception"]
    assert (told["type"], told["message"]) == ("builtins.ValueError", "outer\r\nforged")
    assert told["cause"]["type"] == "builtins.KeyError"
    assert all("test_of_an_exception" in site for site in told["stack"])
    assert "value-of-a-variable" not in json.dumps(event.details)
    assert event.rule == "log.error"


def unheard(name: str) -> logging.Logger:
    """A logger whose records no handler formats."""
    logger = logging.getLogger(name)
    logger.handlers[:] = [logging.NullHandler()]
    logger.propagate = False
    logger.setLevel(logging.INFO)
    return logger


class Rude:
    def __init__(self, error: type[BaseException] = ValueError) -> None:
        self.error = error

    def __str__(self) -> str:
        raise self.error("no")

    __repr__ = __str__


class Talkative:
    """What it logs when it is shown makes it log again."""

    def __init__(self, logger: logging.Logger) -> None:
        self.logger = logger

    def __str__(self) -> str:
        self.logger.info("shown: %s", self)
        return "talk"


def test_what_cannot_be_formatted_is_reported_and_never_raised(
    lines: list[Event], capsys: pytest.CaptureFixture[str]
) -> None:
    logger = unheard("shop.rude")
    before = tally.lines_dropped["nested"]
    with taken():
        logger.info("%d items", "x")
        logger.info("%s", Rude(RecursionError))
        logger.info("fields", extra={"rude": Rude(), "ok": 1})
        logger.info("%s", Talkative(logger))
    said = [(event.details["message"], event.details.get("unformatted")) for event in lines]
    assert said[:3] == [("%d items", "TypeError"), ("%s", "RecursionError"), ("fields", None)]
    assert lines[2].details["fields"] == {"rude": "<Rude: str() raised ValueError>", "ok": 1}
    assert tally.lines_dropped["nested"] > before
    assert ("talk", None) in said


def test_a_record_that_cannot_be_read_is_told_loudly(
    lines: list[Event], capsys: pytest.CaptureFixture[str]
) -> None:
    class Hostile(logging.LogRecord):
        @property
        def module(self) -> str:
            raise RuntimeError("no")

        @module.setter
        def module(self, value: str) -> None:
            pass

    before = tally.lines_dropped["unreadable"]
    logger = unheard("shop.hostile")
    with taken():
        logger.handle(Hostile("n", logging.INFO, __file__, 1, "m", (), None))
    assert lines[0].details["unreadable"] == "RuntimeError"
    assert tally.lines_dropped["unreadable"] == before + 1


def test_a_flood_of_one_line_of_code_is_sampled_and_counted_exactly(
    lines: list[Event], shop: Shop
) -> None:
    logger, _ = shop
    bus.sample(lines=100)
    before = bus.counts["app_log", "observed", "log.info"]
    with taken():
        for number in range(1_000):
            logger.info("flood %d", number)
        logger.info("another line of code")
        bus.flush(last=True)
    written = [event for event in lines if event.name == "app_log"]
    (sampled,) = [event for event in lines if event.name == "events_sampled"]
    assert len(written) == 101
    assert sampled.details["omitted"] == 900
    assert sampled.details["site"] == written[0].details["site"]
    assert bus.counts["app_log", "observed", "log.info"] - before == 1_001
    assert LINES_PER_WINDOW >= 10_000


def test_lines_below_the_level_are_left_to_the_applications_handlers(
    lines: list[Event], shop: Shop
) -> None:
    logger, written = shop
    with taken(level="WARNING"):
        logger.info("quiet")
        logger.warning("loud")
    assert [event.details["message"] for event in lines] == ["loud"]
    assert written.getvalue() == "quiet\nloud\n"


def test_replace_silences_the_console_and_nothing_else(
    lines: list[Event], capsys: pytest.CaptureFixture[str], shop: Shop
) -> None:
    logger, written = shop
    console = logging.StreamHandler(sys.stderr)
    logger.addHandler(console)
    logger.info("before")
    with taken("replace", level="INFO"):
        logger.info("meanwhile")
        logging.getLogger("shop.without.handlers").warning("last resort")
    logger.info("afterwards")
    logger.removeHandler(console)
    assert capsys.readouterr().err.split() == ["before", "afterwards"]
    assert written.getvalue().split() == ["before", "meanwhile", "afterwards"]
    assert [event.details["message"] for event in lines] == ["meanwhile", "last resort"]


def test_the_handler_does_the_same_and_nothing_is_told_twice(
    lines: list[Event], shop: Shop
) -> None:
    logger, _ = shop
    handler = LogHandler()
    logger.addHandler(handler)
    logger.info("by the handler")
    with taken():
        logger.info("once")
    logger.removeHandler(handler)
    logger.info("nobody")
    bus.flush()
    assert [event.details["message"] for event in lines] == ["by the handler", "once"]


def test_what_a_receiver_of_events_logs_does_not_come_back_to_it(
    lines: list[Event], shop: Shop
) -> None:
    logger, written = shop
    before = tally.lines_dropped["receiver"]

    def receive(events: Any) -> None:
        if any(event.name == "app_log" for event in events):
            logger.info("received")

    bus.subscribe(receive)
    with taken():
        logger.info("begin")
        for _ in range(20):
            bus.flush()
    bus.unsubscribe(receive)
    assert [event.details["message"] for event in lines] == ["begin"]
    assert tally.lines_dropped["receiver"] == before + 1
    assert written.getvalue() == "begin\nreceived\n"


class Dying:
    def __del__(self) -> None:
        logging.getLogger("shop.test").info("destroyed")


@pytest.mark.parametrize("application", ["runs", "has ended"])
def test_a_destructor_may_log_while_its_thread_holds_the_buss_locks(
    lines: list[Event], shop: Shop, monkeypatch: pytest.MonkeyPatch, application: str
) -> None:
    monkeypatch.setattr(bus, "ends", application == "has ended")

    def work() -> None:
        # What `publish` holds, where the garbage collector may run.
        with bus._sampler._lock, bus._counting, bus._rows._adding:
            dying = Dying()
            del dying

    with taken():
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        thread.join(5)
        assert not thread.is_alive()
    assert [event.details["message"] for event in lines] == ["destroyed"]


def child(path: str) -> None:
    log = JsonLog(path)
    bus.subscribe(log)
    logging.getLogger("shop.child").warning("the last words of a child")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_loses_nothing_at_its_end_though_others_log_meanwhile(
    tmp_path: Path, shop: Shop
) -> None:
    logger, _ = shop
    going = threading.Event()

    def chatter() -> None:
        while not going.is_set():
            logger.info("chatter")
            time.sleep(0.0001)

    with taken():
        threads = [threading.Thread(target=chatter) for _ in range(2)]
        for thread in threads:
            thread.start()
        context = multiprocessing.get_context("fork")
        children = [
            context.Process(target=child, args=(str(tmp_path / f"log{number}"),))
            for number in range(6)
        ]
        hooks = multiprocessing.util._afterfork_registry  # type: ignore[attr-defined]
        kept = dict(hooks)
        hooks.clear()
        children[5].start()  # the one whose end nobody notices
        hooks.update(kept)
        flush_children(multiprocessing.util)
        for process in children[:5]:
            process.start()
        for process in children:
            process.join(30)
        going.set()
        for thread in threads:
            thread.join()
    assert [process.exitcode for process in children] == [0] * 6
    assert "the last words of a child" not in (tmp_path / "log5").read_text()
    for number in range(5):
        assert (tmp_path / f"log{number}").read_text().count("the last words of a child") == 1


def test_nothing_is_lost_at_the_end_of_a_process(tmp_path: Path) -> None:
    program = f"""
import atexit, logging
from stockade import Stockade
from stockade.core.config import Settings, WatchSettings
atexit.register(lambda: logging.getLogger("shop").warning("the very last"))
stockade = Stockade(Settings(watch=WatchSettings(log="log", audit="", run="")), folder={str(tmp_path)!r})
stockade.start()
for number in range(500):
    logging.getLogger("shop").warning("line %d", number)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env=UNMEASURED,
        cwd=tmp_path,
    )
    written = (tmp_path / "log").read_text()
    assert [written.count(f'"line {number}"') for number in range(500)] == [1] * 500
    # After the stream was closed: nobody's but the application's own output has it.
    assert done.stderr.splitlines()[-1] == "the very last"


def test_close_puts_the_original_back() -> None:
    before = logging.Logger.callHandlers, logging.StreamHandler.emit
    with taken("replace"):
        assert (logging.Logger.callHandlers, logging.StreamHandler.emit) != before
    assert (logging.Logger.callHandlers, logging.StreamHandler.emit) == before


@pytest.mark.parametrize(
    ("settings", "taken_over"),
    [
        ("log='log'", "copy"),
        ("log='log', application_logs='replace'", "replace"),
        ("log='log', application_logs='leave'", "leave"),
        ("log='', application_logs='replace'", "leave"),  # there would be no place for a line
    ],
)
def test_the_settings_say_what_becomes_of_the_applications_lines(
    settings: str, taken_over: str, tmp_path: Path
) -> None:
    program = f"""
import logging
from stockade import Stockade
from stockade.core.config import Settings, WatchSettings
settings = Settings(watch=WatchSettings(audit="", run="", {settings}))
stockade = Stockade(settings, folder={str(tmp_path)!r})
stockade.start()
logging.getLogger("shop").warning("a line")
stockade.close()
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=UNMEASURED
    )
    log = tmp_path / "log"
    in_the_log = log.exists() and '"a line"' in log.read_text()
    on_the_console = "a line" in done.stderr.splitlines()
    assert (in_the_log, on_the_console) == {
        "copy": (True, True),
        "replace": (True, False),
        "leave": (False, True),
    }[taken_over]

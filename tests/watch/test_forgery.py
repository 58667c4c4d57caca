"""Forgery (CWE-117, CWE-150): no text makes a second line, steers a terminal, or adds a field.

Every text goes through every place of the stream where somebody else's text may stand; a plain
formatter shows in the same run that the texts are able to do harm.
"""

from __future__ import annotations

import contextvars
import io
import json
import logging
import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stockade.core.bus import bus
from stockade.core.config import Settings
from stockade.core.events import Event, now
from stockade.integrations.asgi import Guard
from stockade.watch.alert import AlertLine
from stockade.watch.application_log import ApplicationLog
from stockade.watch.lines import LineEncoder
from stockade.watch.structlog_processors import LineRenderer, ToStream
from stockade.watch.terminal import Terminal

EXAMPLES = 200
"""Texts; each is some eighty cases, one a place."""
FIELDS = list(Event.__struct_fields__)
TEXT_FIELDS = ("request_id", "trace_id", "client", "principal", "resource", "rule", "reason")
BIDIRECTIONAL = frozenset(("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"))
MARKS = frozenset("\u061c\u200e\u200f\ufeff")
FRAGMENTS = [
    "\r\n",
    "\n",
    "\u2028",
    "\u2029",
    "\x85",
    "\x0b",
    "\x1c",
    "\x00",
    "\x7f",
    "\x1b[2J",
    "\x1b]0;owned\x07",
    "\x9b31m",
    "\x1b[201~",
    "\u202e",
    "\u2066",
    "\ufeff",
    "\ud800",
    "\udcff",
    '"}\n{"name":"authn_login_success","outcome":"allowed"}',
    '","outcome":"allowed","name":"x',
    "\\u000a",
    "\\",
    '"',
    "%s%(name)s{0}",
    "name",
    "event",
    "level",
    "timestamp",
    "e\u0301" + "\u0301" * 40,
]
TEXTS = st.lists(
    st.one_of(
        st.sampled_from(FRAGMENTS), st.text(st.characters(exclude_categories=()), max_size=8)
    ),
    min_size=1,
    max_size=5,
).map("".join)

cases = 0


def unsafe(character: str) -> bool:
    return (
        unicodedata.category(character) in ("Cc", "Zl", "Zp", "Cs")
        or unicodedata.bidirectional(character) in BIDIRECTIONAL
        or character in MARKS
    )


def no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    assert len(found) == len(pairs)
    return found


def read(data: bytes, count: int) -> list[dict[str, Any]]:
    """The records, once nothing in `data` could forge anything."""
    global cases
    text = data.decode("utf-8")
    lines = text.splitlines()
    assert len(lines) == count
    assert text == "".join(line + "\n" for line in lines)
    assert not any(map(unsafe, text.replace("\n", "")))
    records = [json.loads(line, object_pairs_hook=no_twins) for line in lines]
    assert all(list(record) == FIELDS for record in records)
    cases += count
    return records


def event(**fields: Any) -> Event:
    given = {"name": "defence_failed", "severity": "warn", "outcome": "blocked", "part": "t"}
    return Event(time=now(), **(given | fields))


def as_written(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def events_with(text: str) -> list[Event]:
    places = [event(**{name: text}) for name in TEXT_FIELDS]
    nested = {"list": [text, {text: text}], "outcome": text}
    return [*places, event(details={text: 1}), event(details={"k": text}), event(details=nested)]


def through_events(text: str) -> None:
    records = read(LineEncoder()(events_with(text)), len(TEXT_FIELDS) + 3)
    for name, record in zip(TEXT_FIELDS, records, strict=False):
        assert record[name] == as_written(text)
    for record in records:
        assert (record["name"], record["outcome"], record["part"]) == (
            "defence_failed",
            "blocked",
            "t",
        )


seen: list[Event] = []
"""What the bus has handed out since the last `flushed`."""


def keep(events: Sequence[Event]) -> None:
    seen.extend(one for one in events if one.name in ("app_log", "http_request"))


def flushed() -> list[Event]:
    bus.flush()
    found = list(seen)
    seen.clear()
    return found


class Unusual(Exception):
    """Its message is whatever a client sent."""


def through_logging(text: str, plain: io.StringIO) -> None:
    logger = logging.getLogger("forgery")
    del logger.handlers[1:]  # pytest's own: its report could not be sent from process to process
    named = logging.getLogger(f"forgery.{text}")
    flushed()
    logger.warning(text)
    logger.warning("%s and %r", text, text)
    logger.warning("extra", extra={f"x{text}": text, "outcome": text, "time": text})
    logger.warning({"event": text, text: text})
    named.warning("named")
    try:
        raise Unusual(text)
    except Unusual:
        logger.exception("raised")
    record = logging.makeLogRecord({"name": text, "msg": text, "module": text, "levelname": text})
    record.levelno, record.threadName, record.exc_text, record.stack_info = 30, text, text, text
    logger.handle(record)
    logged = flushed()
    records = read(LineEncoder()(logged), 7)
    for one in records:
        assert (one["name"], one["outcome"], one["part"]) == ("app_log", "observed", "app")
        assert one["reason"] == "The application logged this."
        assert set(one["details"]) <= {
            "message", "logger", "site", "level", "thread", "fields", "exception", "stack",
        }  # fmt: skip
    assert records[0]["details"]["message"] == as_written(text)
    assert records[5]["details"]["exception"]["message"] == as_written(text)
    on_a_terminal(logged)


def through_structlog(text: str) -> None:
    printed = io.StringIO()
    flushed()
    for chain in (ToStream(), LineRenderer()):
        log = structlog.wrap_logger(
            structlog.PrintLogger(printed), processors=[chain], cache_logger_on_first_use=False
        )
        log.warning(text, **{f"x{text}": text, "outcome": text, "name": text})
        log.bind(**{text: text}).error("bound", logger=text, level="error") if text else None
    lines = printed.getvalue().encode()
    count = 2 if text else 1
    read(lines, count)
    records = read(LineEncoder()(flushed()), count)
    assert {record["name"] for record in records} == {"app_log"}


async def answer(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def through_a_request(text: str) -> None:
    raw = text.encode("utf-8", "surrogatepass")
    audited: list[Event] = []
    guard = Guard(answer, Settings(), lambda content_type, body: None)
    fields = (b"host", b"user-agent", b"traceparent", b"tracestate", b"x-forwarded-for", b"cookie")
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": text,
        "path": "/" + text,
        "raw_path": raw,
        "query_string": raw,
        "client": (text, 1),
        "headers": [(name, raw) for name in fields],
        "scheme": "http",
    }

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        pass

    async def serve() -> None:
        await guard(scope, receive, send)

    flushed()
    bus.subscribe_audit(audited.append)
    with pytest.raises(StopIteration):
        contextvars.copy_context().run(serve().send, None)  # nothing in it waits
    bus.unsubscribe(audited.append)
    accessed = flushed()
    assert len(accessed) == 1
    read(LineEncoder()([*accessed, *audited]), 1 + len(audited))
    on_a_terminal([*accessed, *audited])


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


OURS = re.compile(r"\x1b\[(?:[0-2]|3[1-5])m")


def on_a_terminal(events: Sequence[Event]) -> None:
    """Each event alone, in colour: the lines it is meant to have, and no character that acts."""
    global cases
    alerts: list[str] = []
    AlertLine(write=alerts.append)(events)
    for width in (None, 40):
        stream = Tty()
        terminal = Terminal(stream, application=True, width=width)
        for one in events:
            shown = OURS.sub("", terminal.render(one))
            lines = shown.split("\n")[:-1]
            assert len(shown.splitlines()) == len(lines)
            assert all(line.isprintable() for line in lines)
            if width is None:
                frames = len(one.details.get("exception", {}).get("stack", ()))
                assert len(lines) <= 2 + frames
            cases += 1
    assert all(alert.isprintable() for alert in alerts)


@pytest.fixture(scope="module")
def plain() -> Iterator[io.StringIO]:
    """What the standard library's own formatter makes of the same log calls."""
    written = io.StringIO()
    logger = logging.getLogger("forgery")
    handler = logging.StreamHandler(written)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
    logger.handlers[:] = [handler]
    logger.propagate = False
    bus.sample(0, lines=0)
    bus.subscribe(keep)
    log = ApplicationLog("copy")
    log.install()
    yield written
    log.close()
    bus.flush()
    bus.unsubscribe(keep)
    bus.sample()
    logger.handlers.clear()
    logger.propagate = True
    # Loggers live for ever, and each text has made one.
    known = logging.Logger.manager.loggerDict
    for name in [name for name in known if name.startswith("forgery")]:
        del known[name]


def everywhere(text: str, plain: io.StringIO) -> None:
    through_events(text)
    on_a_terminal(events_with(text))
    through_logging(text, plain)
    through_structlog(text)
    through_a_request(text)


def test_no_generated_text_forges_anything(plain: io.StringIO) -> None:
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(TEXTS)
    def examine(text: str) -> None:
        everywhere(text, plain)

    before = cases
    examine()
    print(f"forgery: {cases - before} generated cases")
    assert cases - before >= 10_000


def test_no_naughty_string_forges_anything(plain: io.StringIO, corpora: Path) -> None:
    strings = json.loads((corpora / "naughty-strings" / "blns.json").read_text("utf-8"))
    assert len(strings) > 500
    for text in strings:
        through_events(text)
        through_logging(text, plain)
        through_structlog(text)
    for text in strings[::5]:
        through_a_request(text)


def test_the_same_texts_do_forge_lines_where_nobody_escapes_them(plain: io.StringIO) -> None:
    plain.truncate(0)
    plain.seek(0)
    logger = logging.getLogger("forgery")
    for text in FRAGMENTS:
        logger.warning(text.encode("utf-8", "replace").decode())
    written = plain.getvalue()
    assert len(written.splitlines()) > len(FRAGMENTS) + 5
    assert "\x1b[2J" in written
    forged = {"name": "authz_fail", "outcome": "blocked"} | {"outcome": "allowed"}
    assert forged["outcome"] == "allowed"  # what merged fields let an extra field do
    bus.flush()

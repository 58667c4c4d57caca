from __future__ import annotations

import fcntl
import io
import os
import re
import struct
import termios
from datetime import UTC, datetime
from typing import Any

import pytest

from stockade.core.events import Event
from stockade.core.secret import Redactor
from stockade.watch.columns import columns
from stockade.watch.terminal import Terminal, printable


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def event(**fields: Any) -> Event:
    fields = {"name": "malicious_sqli", "severity": "critical", "outcome": "blocked"} | fields
    return Event(time=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), part="firewall", **fields)


def shown(*events: Event, stream: io.StringIO | None = None, **options: Any) -> str:
    stream = io.StringIO() if stream is None else stream
    Terminal(stream, **options)(events)
    return stream.getvalue()


def test_a_person_sees_what_where_who_why_and_what_to_do() -> None:
    text = shown(
        event(
            resource="/patients/{id}",
            client="192.0.2.7",
            principal="p-1",
            request_id="r-1",
            rule="sql.structure",
            reason="A value ends its literal.",
        )
    )
    assert text == (
        "03:04:05 BLOCKED  A value would have changed an SQL statement at /patients/{id} from "
        "192.0.2.7 as p-1 [sql.structure] (request r-1)\n"
        "         A value ends its literal. → keep the value out of the code: bind it, quote it or "
        "look it up; if it belongs there, say so with a reason through stockade.unsafe\n"
    )


def test_what_was_allowed_is_not_shown() -> None:
    assert shown(event(outcome="allowed")) == ""


def test_no_field_steers_the_terminal() -> None:
    hostile = "\x1b[2J\x1b]0;x\x07\r\n\x9b1A\u202e\u2028\ud800"
    text = shown(
        event(resource=hostile, client=hostile, principal=hostile, request_id=hostile, rule=hostile)
    )
    assert len(text.splitlines()) == 2
    assert all(line.isprintable() for line in text.splitlines())


def test_honest_text_is_untouched_and_an_old_terminal_gets_escapes() -> None:
    assert printable("/patiënten/東京") == "/patiënten/東京"
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    Terminal(stream)([event(resource="/東京")])
    assert b"\\u6771\\u4eac" in raw.getvalue()


def test_colour_only_on_a_terminal_and_without_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b[31m" in shown(event(), stream=Tty())
    assert "\x1b" not in shown(event())
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in shown(event(), stream=Tty())


def test_a_live_secret_is_masked() -> None:
    leaky = event(principal="s3cr3t-token")
    assert "s3cr3t-token" in shown(leaky)
    assert "s3cr3t-token" not in shown(leaky, redact=Redactor(lambda: ["s3cr3t-token"]))


def line(**details: Any) -> Event:
    given = {"message": "bought tea", "logger": "shop", "site": "shop:buy:7"} | details
    return event(
        name="app_log", severity="warn", outcome="observed", rule="log.warning", details=given
    )


def test_the_applications_lines_are_shown_where_they_are_asked_for() -> None:
    assert shown(line()) == ""
    text = shown(line(fields={"order": 7}), application=True)
    assert text == "03:04:05 WARNING  shop: bought tea order=7\n"


def test_an_exception_is_shown_with_its_lines_of_code_and_its_cause() -> None:
    told = {
        "type": "builtins.KeyError",
        "message": "'no'\r\nforged",
        "stack": ["shop:buy:7"],
        "cause": {"type": "builtins.ValueError", "message": "why", "stack": []},
    }
    assert shown(line(exception=told), application=True).splitlines()[1:] == [
        "         builtins.KeyError: 'no'\\u000d\\u000aforged",
        "         at shop:buy:7",
        "         because of builtins.ValueError: why",
    ]


@pytest.mark.parametrize("width", [20, 40, 61, 100])
def test_lines_fit_the_terminal_wide_characters_too(width: int) -> None:
    events = [
        event(
            reason="東京" * 30, resource="/" + "東" * 40, client="192.0.2.7", rule="sql.structure"
        ),
        line(message="a long message " * 10, fields={"name": "\uff57\uff49" * 20}),
    ]
    text = shown(*events, application=True, width=width)
    assert max(map(columns, text.splitlines())) <= width
    assert len(text.splitlines()) > 6
    whole = shown(*events, application=True)
    assert text.replace("\n", "").replace(" ", "") == whole.replace("\n", "").replace(" ", "")


def test_what_continues_a_line_stands_under_its_text() -> None:
    text = shown(event(reason="A value ends its literal.", resource="/a/long/route"), width=70)
    first, second, *_ = text.splitlines()
    assert first.startswith("03:04:05 BLOCKED  A value")
    assert second.startswith(" " * 18)
    assert second[18] != " "


def test_an_allowed_request_can_be_rendered_by_who_asks() -> None:
    details = {"method": "GET", "status": 200, "duration_us": 1_234, "bytes": 2}
    request = event(name="http_request", outcome="allowed", resource="/a/{id}", details=details)
    assert shown(request) == ""
    text = Terminal(io.StringIO()).render(request)
    assert text == "03:04:05 ALLOWED  GET answered with 200 in 1.2 ms at /a/{id}\n"


def test_a_real_terminals_width_and_colour_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 50, 0, 0))
    with os.fdopen(theirs, "w") as stream:
        Terminal(stream)([event(reason="A value ends its literal, and so on " * 3)])
        text = os.read(ours, 65_536).decode().replace("\r\n", "\n")
    os.close(ours)
    assert "\x1b[31mBLOCKED" in text
    plain = re.sub(r"\x1b\[\d+m", "", text)
    assert 40 < max(map(columns, plain.splitlines())) <= 50

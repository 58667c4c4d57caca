from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest

from stockade.core.events import Event
from stockade.core.secret import Redactor
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

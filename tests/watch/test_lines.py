from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stockade.core.events import Event, now
from stockade.watch.lines import LineEncoder

FORGED = '{"name":"authn_login_success","client":"203.0.113.9"}'
HOSTILE = [
    f"x\r\n{FORGED}",
    f"x\u2028{FORGED}",
    f"x\u2029{FORGED}",
    f"x\x85{FORGED}",
    "\x1b[2J\x1b]0;owned\x07",
    "\x9b2J",
    "\x7f\x00\x08",
    "admin\u202etxt.exe\u2066",
    "\udcff\ud800 lone",
]


class Live:
    def __init__(self, *secrets: str) -> None:
        self.secrets = secrets

    def values(self) -> tuple[str, ...]:
        return self.secrets


def event(**fields: Any) -> Event:
    return Event(
        time=now(), name="authz_fail", severity="warn", outcome="blocked", part="t", **fields
    )


@given(st.text(st.characters(exclude_categories=()), max_size=40))
def test_no_text_starts_a_line_or_steers_a_terminal(text: str) -> None:
    data = LineEncoder()([event(resource=text, details={"k": text}), event()])
    written = data.decode("utf-8")
    assert len(written.splitlines()) == 2
    assert written.replace("\n", "").isascii() or not any(
        unsafe in written for unsafe in "\x7f\x85\x9b\u2028\u2029\u202e\u2066\ufeff"
    )
    assert not any(ord(character) < 32 for character in written.replace("\n", ""))
    record = json.loads(written.split("\n")[0])
    assert record["resource"] == text.encode("utf-8", "backslashreplace").decode()


def test_hostile_values_stay_inside_their_field_and_a_plain_print_would_not_hold_them() -> None:
    for value in HOSTILE:
        naive = f"blocked {value}"
        assert len(naive.splitlines()) > 1 or not naive.isprintable()
        (line,) = LineEncoder()([event(resource=value)]).decode().splitlines()
        assert line.isprintable()
        assert json.loads(line)["name"] == "authz_fail"


def test_honest_text_of_any_script_is_untouched() -> None:
    text = "Zürich 東京 Ωmega 👩\u200d⚕️ naïve"
    assert text in LineEncoder()([event(reason=text)]).decode()


def test_an_event_that_json_cannot_hold_costs_neither_itself_nor_its_neighbours() -> None:
    loop: dict[str, Any] = {}
    loop["again"] = loop
    events = [
        event(request_id="1"),
        event(request_id="2", details={"object": object(), "set": {1}, "bytes": b"\xff"}),
        event(request_id="3", details=loop),
        event(request_id="4", details={"huge": 1 << 80}),
        event(request_id="5", resource="\ud800"),
        event(request_id="6"),
    ]
    records = [json.loads(line) for line in LineEncoder()(events).splitlines()]
    assert [record["request_id"] for record in records] == list("123456")
    assert records[1]["details"]["object"] == "<object>"
    assert "unencodable" in records[2]["details"]


def test_live_secrets_are_masked_however_json_spells_them_and_without_them_they_show() -> None:
    secrets = ['pa"ss\\word\n1', "ключ-1234", "20260102"]
    for secret in secrets:
        leaky = [event(reason=f"cannot connect with {secret}!", details={"n": 20260102})]
        plain = json.loads(LineEncoder()(leaky))
        assert secret in plain["reason"]
        masked = json.loads(LineEncoder(Live(*secrets))(leaky))
        assert masked["reason"] == "cannot connect with [redacted]!"
        assert masked["details"]["n"] == "[redacted]"


def test_a_secret_that_looks_like_json_leaves_valid_lines() -> None:
    encode = LineEncoder(Live("null", "true", "time", '","', "blocked"))
    record = json.loads(encode([event(details={"a": True, "b": None, "c": 'x","y'})]))
    assert record["details"]["a"] is True


def test_without_live_secrets_lines_are_the_same() -> None:
    one = event(reason="honest")
    assert LineEncoder(Live())([one]) == LineEncoder()([one]) == LineEncoder(Live("zzzz9"))([one])

"""A token is good for one session and a while; nobody without the key makes one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.boundary.gate.csrf_token import CsrfTokens
from stockade.core.errors import Denied
from stockade.core.events import Event
from stockade.testing import FixedClock, throwaway_keyring


def tokens(clock: FixedClock | None = None) -> CsrfTokens:
    return CsrfTokens(throwaway_keyring().mac("csrf"), clock=clock or FixedClock())


def test_a_sessions_own_token_is_good_and_every_one_is_different() -> None:
    ours = tokens()
    first, second = ours.issue("session-1"), ours.issue("session-1")
    assert first != second
    ours.verify(first, "session-1")
    ours.verify(second, "session-1")


def test_nobody_elses_is(events: list[Event]) -> None:
    ours = tokens()
    token = ours.issue("session-1")
    expiry, salt, code = token.split(".")
    later = format(int(expiry, 16) + 1, "x")
    for forged in (
        "", ".", "..", token[:-1], token + "A", f"{later}.{salt}.{code}", f"{expiry}..{code}",
        tokens().issue("session-1"), f"{expiry}{salt[:1]}.{salt[1:]}.{code}", "é" * 300,
    ):  # fmt: skip
        with pytest.raises(Denied):
            ours.verify(forged, "session-1")
    with pytest.raises(Denied):
        ours.verify(token, "session-2")
    with pytest.raises(Denied):
        ours.verify(ours.issue(""), "")  # who has no session has no form either
    refused = [event for event in events if event.name == "request_refused"]
    assert {event.rule for event in refused} == {"gate.csrf-token"}
    assert token not in repr(events)


def test_it_ends() -> None:
    clock = FixedClock()
    ours = tokens(clock)
    token = ours.issue("session-1")
    clock.advance(43_100)
    ours.verify(token, "session-1")
    clock.advance(200)
    with pytest.raises(Denied):
        ours.verify(token, "session-1")


@given(st.text(max_size=300), st.text(min_size=1, max_size=40))
def test_any_text_is_denied(token: str, session: str) -> None:
    with pytest.raises(Denied):
        tokens().verify(token, session)

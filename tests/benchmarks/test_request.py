from __future__ import annotations

import sys

import pytest

from benchmarks import request

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="servers are measured by /proc")


def test_the_guarded_server_is_guarded_and_logs_every_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(request, "_SECONDS", 0.02)
    monkeypatch.setattr(request, "_ROUNDS", 2)
    # It asserts both itself: a figure for anything less would be a lie.
    assert request.fastapi_body(1).value > 0


def test_without_its_events_there_is_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request, "_SECONDS", 0.02)
    monkeypatch.setattr(request, "_ROUNDS", 2)
    monkeypatch.setattr(request, "EVENTS", "audit/origin")
    with pytest.raises(AssertionError, match="0 access events of"):
        request.fastapi_hello(1)

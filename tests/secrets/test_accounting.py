from __future__ import annotations

from collections.abc import Iterator

import pytest

from stockade.core.bus import bus
from stockade.core.events import Event
from stockade.secrets.live import Live
from stockade.secrets.resolver import Secrets


@pytest.fixture
def seen() -> Iterator[list[Event]]:
    events: list[Event] = []
    bus.flush()
    bus.subscribe_audit(events.append)
    yield events
    bus.unsubscribe(events.append)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_first_read_at_a_place_is_an_event_and_the_rest_of_the_minute_counts(
    seen: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_PASSWORD", "s3cret")
    clock = Clock()
    secret = Secrets(live=Live(), clock=clock).resolve("env:DB_PASSWORD")

    def honest() -> str:
        return secret.reveal()

    def thief() -> str:
        return secret.reveal()

    for _ in range(5):
        honest()
    thief()
    assert [event.name for event in seen] == ["secret_read"] * 2
    assert seen[0].details["site"].startswith(f"{__name__}.test_the_first_read")
    assert "thief" in seen[1].details["site"]
    assert "s3cret" not in str(seen)

    clock.now = 61.0
    honest()
    assert seen[2].details["reads_before"] == 4


def test_a_new_version_is_told_at_every_place_again(
    seen: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_PASSWORD", "first")
    secrets = Secrets(live=Live())
    secret = secrets.resolve("env:DB_PASSWORD")
    for value in ("first", "second"):
        monkeypatch.setenv("DB_PASSWORD", value)
        secrets.refresh()
        for _ in range(3):
            assert secret.reveal() == value
    told = [(event.name, event.details["version"]) for event in seen]
    assert told == [("secret_read", 1), ("secret_rotated", 2), ("secret_read", 2)]


def test_code_made_at_run_time_does_not_fill_the_memory(
    seen: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_PASSWORD", "s3cret")
    secrets = Secrets(live=Live())
    secret = secrets.resolve("env:DB_PASSWORD")
    for _ in range(1_100):
        eval("secret.reveal()", {"secret": secret})
    [cell] = secrets._cells.values()
    assert len(cell._account._reads) <= 1_024
    assert len(seen) == 1_100

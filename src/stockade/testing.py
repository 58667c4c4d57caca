"""For users' tests: captured events, a clock that a test moves, keys that are thrown away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, overload

from stockade.core.bus import bus
from stockade.core.events import Event

if TYPE_CHECKING:
    from stockade.crypto import Keyring

__all__ = ["CapturedEvents", "FixedClock", "captured_events", "throwaway_keyring"]


class CapturedEvents(Sequence[Event]):
    """The events that were published so far, in the order in which they were handed out."""

    def __init__(self) -> None:
        self._events: list[Event] = []

    def receive(self, events: Sequence[Event]) -> None:
        """Take a batch from the bus."""
        self._events.extend(events)

    def named(self, name: str) -> list[Event]:
        """Those of one name."""
        bus.flush()
        return [event for event in self._events if event.name == name]

    def __len__(self) -> int:
        bus.flush()
        return len(self._events)

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> list[Event]: ...
    def __getitem__(self, index: int | slice) -> Event | list[Event]:
        bus.flush()
        return self._events[index]


@contextmanager
def captured_events() -> Iterator[CapturedEvents]:
    """Capture what is published inside the block.

    with captured_events() as events:
        client.get("/search", params={"q": "x' OR 1 --"})
    assert events.named("malicious_sqli")
    """
    captured = CapturedEvents()
    bus.flush(last=True)
    bus.sample()
    bus.subscribe(captured.receive)
    try:
        yield captured
    finally:
        bus.flush()
        bus.unsubscribe(captured.receive)


class FixedClock:
    """A `core.ports.Clock` that stands still until it is moved; seconds since the epoch."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self.now += seconds


def throwaway_keyring() -> Keyring:
    """A keyring in memory alone; what it sealed is lost with it."""
    from stockade.crypto import Keyring

    return Keyring.ephemeral()

from typing import Any

import pytest

from stockade.core.errors import ConfigError
from stockade.core.events import Event
from stockade.core.ports import Throttle

World = Any


def test_one_pair_waits_and_nobody_else(world: World, events: list[Event]) -> None:
    throttle: Throttle = world.throttle
    throttle.throttle("192.0.2.1", "fp-ann", seconds=60, reason="test.rule")
    assert throttle.wait("192.0.2.1", "fp-ann") == pytest.approx(60)
    for client, account in [
        ("192.0.2.2", "fp-ann"),
        ("192.0.2.1", "fp-bob"),
        ("192.0.2.1f", "p-ann"),
        ("", ""),
    ]:
        assert throttle.wait(client, account) == 0.0
    world.clock.now += 60
    assert throttle.wait("192.0.2.1", "fp-ann") == 0.0
    assert [(e.name, e.rule, e.client, e.details["account"]) for e in events] == [
        ("client_throttled", "test.rule", "192.0.2.1", "fp-ann")
    ]


def test_a_longer_wait_stands(world: World, events: list[Event]) -> None:
    world.throttle.throttle("c", "a", seconds=60, reason="r")
    world.throttle.throttle("c", "a", seconds=10, reason="r")
    assert world.throttle.wait("c", "a") == pytest.approx(60)
    world.throttle.throttle("c", "a", seconds=90, reason="r")
    assert world.throttle.wait("c", "a") == pytest.approx(90)
    assert len(events) == 2


def test_the_store_names_neither_half(world: World) -> None:
    world.throttle.throttle("192.0.2.1", "fp-ann", seconds=60, reason="r")
    ((key, value),) = world.store.scan("")
    assert "192.0.2.1" not in key
    assert "fp-ann" not in key
    assert b"ann" not in value


@pytest.mark.parametrize("seconds", [0, -1, float("inf"), float("nan")])
def test_seconds_must_make_sense(world: World, seconds: float) -> None:
    with pytest.raises(ConfigError):
        world.throttle.throttle("c", "a", seconds=seconds, reason="r")

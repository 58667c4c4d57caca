from __future__ import annotations

from typing import Any

import pytest

from stockade.core.bus import Bus
from stockade.core.events import Event, now
from stockade.watch.detection import RULE, FailedSignIns


class Waits:
    """A throttle that remembers, as a store does."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, float]] = []
        self.broken = False

    def wait(self, client: str, account: str) -> float:
        return 0.0

    def throttle(self, client: str, account: str, *, seconds: float, reason: str) -> None:
        if self.broken:
            raise ConnectionError
        assert reason == RULE
        self.told.append((client, account, seconds))


class Scene:
    def __init__(self, throttle: Waits | None, **options: Any) -> None:
        self.at = 1_000.0
        self.events: list[Event] = []
        self.detect = FailedSignIns(
            throttle, clock=lambda: self.at, publish=self.events.append, **options
        )

    def fail(self, times: int = 1, client: str = "192.0.2.1", **details: Any) -> None:
        details.setdefault("account", "acct-1")
        event = Event(
            time=now(),
            name="authn_login_fail",
            severity="warn",
            outcome="blocked",
            part="access",
            client=client,
            request_id="r1",
            resource="/login",
            details=details,
        )
        self.detect([event] * times)


@pytest.fixture
def throttle() -> Waits:
    return Waits()


def test_guessing_is_throttled_and_told_once(throttle: Waits) -> None:
    scene = Scene(throttle)
    scene.fail(4)
    assert throttle.told == []
    scene.fail(20 - 4 - 1)
    assert throttle.told == [("192.0.2.1", "acct-1", 60.0)]
    assert [event.name for event in scene.events] == ["authn_login_fail_max", "detection_raised"]
    told = scene.events[1]
    assert (told.rule, told.outcome, told.severity) == (RULE, "blocked", "critical")
    assert (told.client, told.request_id, told.resource) == ("192.0.2.1", "r1", "/login")
    assert told.details["technique"] == "T1110.001"
    assert told.details["failures"] == 5


def test_who_goes_on_after_the_throttle_is_throttled_again(throttle: Waits) -> None:
    scene = Scene(throttle)
    scene.fail(5)
    scene.at += 61
    scene.fail()
    assert len(throttle.told) == 2


def test_a_person_who_mistypes_is_left_alone(throttle: Waits) -> None:
    scene = Scene(throttle)
    for _ in range(4):
        scene.fail(4)
        scene.at += 301
    assert throttle.told == []
    assert scene.events == []


def test_a_slow_guesser_under_the_fast_limit_is_found_within_a_day(throttle: Waits) -> None:
    scene = Scene(throttle)
    for _ in range(20):
        scene.fail()
        scene.at += 300
    assert throttle.told == [("192.0.2.1", "acct-1", 900.0)]
    assert scene.events[1].details["window_seconds"] == 86_400.0


def test_pairs_are_counted_apart(throttle: Waits) -> None:
    scene = Scene(throttle)
    for number in range(4):
        scene.fail(4, client=f"192.0.2.{number}")
        scene.fail(4, account=f"other-{number}")
    assert throttle.told == []


@pytest.mark.parametrize(
    "details",
    [{"client": ""}, {"client": "10.0.0.1"}, {"account": ""}, {"cross_site": True}],
)
def test_it_never_acts_on_who_cannot_be_told_apart(throttle: Waits, details: Any) -> None:
    scene = Scene(throttle, untrusted=lambda client: client.startswith("10."))
    scene.fail(50, **details)
    assert throttle.told == []
    assert scene.events == []


def test_without_a_throttle_it_only_reports() -> None:
    scene = Scene(None)
    scene.fail(30)
    assert [event.outcome for event in scene.events] == ["observed", "observed"]
    assert scene.events[1].details["throttled_seconds"] == 0.0


def test_memory_is_bounded_and_what_was_forgotten_is_counted(throttle: Waits) -> None:
    scene = Scene(throttle, max_pairs=10)
    for number in range(100):
        scene.fail(3, account=f"a{number}")
    assert len(scene.detect._pairs) == 10
    assert scene.detect.forgotten == 90
    scene.fail(500, account="a99")
    assert max(len(pair.times) for pair in scene.detect._pairs.values()) == 20


def test_a_failing_throttle_is_loud_and_tried_again(
    throttle: Waits, capsys: pytest.CaptureFixture[str]
) -> None:
    scene, bus = Scene(throttle), Bus(interval=60)
    bus.subscribe(scene.detect)
    throttle.broken = True
    for _ in range(5):
        bus.publish(
            Event(
                time=now(),
                name="authn_login_fail",
                severity="warn",
                outcome="blocked",
                part="access",
                client="192.0.2.1",
                details={"account": "a"},
            )
        )
    bus.flush()
    assert "FailedSignIns failed (ConnectionError)" in capsys.readouterr().err
    assert [event.outcome for event in scene.events] == ["failed", "failed"]
    throttle.broken = False
    scene.fail(account="a")
    assert throttle.told == [("192.0.2.1", "a", 60.0)]

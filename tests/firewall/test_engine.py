"""Decisions of a guard: by route, for names that a client made up, and where a detector fails."""

from __future__ import annotations

import sqlite3

import pytest

from stockade.core.config import RouteSettings
from stockade.core.context import RequestContext, running
from stockade.core.errors import Blocked
from stockade.core.events import Event
from stockade.core.inputs import InputLimits, Inputs, Source
from stockade.core.tally import tally
from stockade.testing import captured_events
from tests.conftest import Request, Switch

ATTACK = "x' UNION SELECT 'stolen' --"
TEXT = f"SELECT 'tea' WHERE '' = '{ATTACK}'"


class Routed(RequestContext):
    """A request for a route, whose query brought one value under a name."""

    __slots__ = ("name", "route")

    def __init__(self, route: str, name: str = "q") -> None:
        super().__init__("test-1", "192.0.2.1")
        self.route, self.name = route, name

    @property
    def resource(self) -> str:
        return self.route

    def read_inputs(self) -> Inputs:
        inputs = Inputs(InputLimits())
        inputs.add(Source.QUERY, self.name, ATTACK)
        return inputs


def steal() -> list[tuple[object, ...]]:
    return sqlite3.connect(":memory:").execute(TEXT).fetchall()


def test_a_route_has_modes_of_its_own(firewall: Switch, events: list[Event]) -> None:
    routes = {"/reports/{id}": RouteSettings(sql="observe"), "/console": RouteSettings(sql="off")}
    with firewall("block", routes=routes):
        with running(Routed("/other")), pytest.raises(Blocked):
            steal()
        assert [event.outcome for event in events] == ["blocked"]
        with running(Routed("/reports/{id}")):
            assert steal() == [("stolen",)]
        assert [event.outcome for event in events] == ["blocked", "observed"]
        with running(Routed("/console")):
            assert steal() == [("stolen",)]
        assert len(events) == 2
    with firewall("observe", routes={"/strict": RouteSettings(sql="block")}):
        with running(Routed("/other")):
            assert steal() == [("stolen",)]
        with running(Routed("/strict")), pytest.raises(Blocked):
            steal()


def test_a_name_that_the_client_made_up_is_not_shown(firewall: Switch, events: list[Event]) -> None:
    invented = "".join(["made", "_up_by", "_a_client"])
    with firewall("observe"), running(Routed("/x", invented)):
        steal()
    assert invented not in str(events[-1].details)
    assert events[-1].details["input"] != ""


def test_a_failing_detector_refuses_and_is_told(
    request_of: Request, firewall: Switch, events: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    with firewall("block") as guards:
        guard = guards.sql["sqlite"]

        def crash(*_: object) -> bool:
            raise ZeroDivisionError("a fault of ours")

        monkeypatch.setattr(guard.grammar, "check", crash)
        with request_of(ATTACK) as request, pytest.raises(Blocked) as refused:
            steal()
        assert refused.value.code == 500
        assert request.refusal is not None
        assert request.refusal.status == 500
        assert [(event.name, event.outcome, event.rule) for event in events] == [
            ("defence_failed", "failed", "sql.detector-failed")
        ]
        guards.count()
        assert tally.sinks["sql", "failed"] == 1
        guard.mode = "observe"
        with request_of(ATTACK):
            assert steal() == [("stolen",)]
        assert events[-1].name == "defence_failed"


def test_more_values_than_are_indexed_are_refused_at_the_sink_and_told(
    request_of: Request, firewall: Switch
) -> None:
    values, limits = (ATTACK, "x' OR 1 --"), InputLimits(values=1)
    with request_of(*values, limits=limits):
        assert steal() == [("stolen",)]  # unguarded, it is done
    with captured_events() as told, firewall("block"), request_of(*values, limits=limits):
        with pytest.raises(Blocked) as refused:
            steal()
        assert refused.value.code == 413
        [event] = told.named("input_limit_exceeded")
    assert (event.outcome, event.rule) == ("blocked", "firewall.input-limit")


def test_a_sink_outside_any_request_is_refused_where_that_is_asked_for_and_told(
    firewall: Switch,
) -> None:
    with captured_events() as told:
        with firewall("block"):
            assert steal() == [("stolen",)]  # counted only
        assert told.named("sink_unattributed") == []
        with firewall("block", unattributed="refuse"), pytest.raises(Blocked):
            steal()
        [event] = told.named("sink_unattributed")
    assert (event.outcome, event.rule) == ("blocked", "sql.unattributed")

"""An answer is what its contract declares, or an event that holds nothing of it."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pytest
from pydantic import BaseModel, Field, TypeAdapter

from stockade.boundary import Line, Model
from stockade.boundary.client import AddressPolicy
from stockade.boundary.client.contract import read_as
from stockade.core.errors import AnswerRejected
from stockade.core.events import Event
from tests.boundary.client.conftest import Caller
from tests.boundary.client.services import GOOD, Service, reply

POLICY = AddressPolicy(networks=[GOOD], plain_http=True)
JSON = "application/json"


class Visit(Model):
    day: date
    notes: dict[str, int] = Field(default_factory=dict)


class Patient(Model):
    name: Line
    is_admin: bool = False
    visits: tuple[Visit, ...] = ()


def test_a_contract_that_holds(calls: Caller) -> None:
    body = b'{"name": "Zo\\u00eb", "visits": [{"day": "2026-01-31", "notes": {"a": 1}}]}'
    with (
        Service(lambda seen: reply(body, content_type=JSON)) as service,
        calls(policy=POLICY) as call,
    ):
        patient = call("GET", service.url(), model=Patient)
    assert (patient.name, patient.visits[0].day) == ("Zoë", date(2026, 1, 31))


class Lax(BaseModel):
    name: str
    is_admin: bool = False


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"name": "a", "is_admin": false, "is_admin": true}', "body.duplicate"),
        (b'{"name": "a", "is_admin": "yes"}', "bool_type"),
        (b'{"name": "a", "role": "root"}', "extra_forbidden"),
    ],
)
def test_what_a_bare_model_believes(
    body: bytes, kind: str, calls: Caller, events: list[Event]
) -> None:
    assert Lax.model_validate_json(body).name == "a"
    with Service(lambda seen: reply(body, content_type=JSON)) as service:
        with calls(service.url(), policy=POLICY) as call, pytest.raises(AnswerRejected) as caught:
            call("GET", "/", model=Patient)
        origin = service.url().rstrip("/")
    assert (caught.value.rule, caught.value.problem().status) == ("client.contract", 502)
    (event,) = events
    assert (event.name, event.outcome, event.rule) == (
        "upstream_failed",
        "blocked",
        "client.contract",
    )
    assert event.details["kinds"] == [kind]
    assert event.details["upstream"] == origin


def test_events_and_errors_hold_nothing_of_the_answer(events: list[Event]) -> None:
    body = msgspec.json.encode(
        {
            "name": "hunter2\n" * 9,
            "hunter2": "hunter2",
            "visits": [{"day": "hunter2", "notes": {"hunter2": "hunter2"}}],
        }
    )
    with pytest.raises(AnswerRejected) as caught:
        read_as(Patient, JSON, body, "upstream")
    pointers = {problem.pointer for problem in caught.value.errors}
    assert pointers == {"/name", "", "/visits/0/day", "/visits/0/notes/*"}
    (event,) = events
    assert event.details["count"] == 4
    assert {value["field"] for value in event.details["values"]} >= {"/name", "/visits/0/day"}
    error = caught.value
    shown = repr([event, error.errors, error, error.__context__, error.__cause__])
    assert "hunter2" not in shown
    assert "hunter2" not in error.problem().body().decode()


@pytest.mark.parametrize("content_type", ["", "text/html", "text/plain; x=application/json"])
def test_what_does_not_say_that_it_is_json(content_type: str, events: list[Event]) -> None:
    with pytest.raises(AnswerRejected):
        read_as(Patient, content_type, b'{"name": "a"}', "upstream")
    assert events[0].details["kinds"] == ["content_type"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"NaN",
        b"null",
        b'{"name": "\\ud800"}',
        b"[" * 100_000,
        b'{"name": "\xff"}',
        b"1e400",
    ],
)
def test_what_is_no_json(body: bytes, events: list[Event]) -> None:
    with pytest.raises(AnswerRejected):
        read_as(Patient, JSON, body, "upstream")
    assert len(events) == 1


@pytest.mark.parametrize(
    ("model", "body", "value"),
    [
        (list[int], b"[1, 2]", [1, 2]),
        (TypeAdapter(dict[str, int]), b'{"a": 1}', {"a": 1}),
        (Patient, b'{"name": "a"}', Patient(name="a")),
    ],
)
@pytest.mark.parametrize("content_type", [JSON, "application/hal+json; charset=utf-8", "text/json"])
def test_kinds_of_models(model: Any, body: bytes, value: object, content_type: str) -> None:
    assert read_as(model, content_type, body, "upstream") == value


def test_a_flood_of_breaches_is_bounded(events: list[Event]) -> None:
    body = msgspec.json.encode({"name": "a", "visits": [{"day": str(n)} for n in range(5_000)]})
    with pytest.raises(AnswerRejected) as caught:
        read_as(Patient, JSON, body, "upstream")
    assert len(caught.value.errors) == 20
    assert events[0].details["count"] == 5_000

"""A refusal of a body: a rule, a status, a constant sentence, and an event where one is asked for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import stockade.boundary.bodies as package
from stockade.boundary.bodies.refusal import refuse, reported
from stockade.core.errors import Rejected
from stockade.core.events import Event

FOLDER = Path(package.__file__).parent


def test_what_is_raised() -> None:
    with pytest.raises(Rejected) as caught:
        refuse("form", "The form is not UTF-8.")
    problem = caught.value.problem()
    assert (problem.status, problem.kind, caught.value.rule) == (400, "malformed", "body.form")
    with pytest.raises(Rejected) as caught:
        refuse("number", "Too large.", 422)
    assert caught.value.problem().kind == "rejected"


def test_only_what_is_reported_is_an_event(events: list[Event]) -> None:
    with pytest.raises(Rejected):
        refuse("form", "The form is not UTF-8.")
    assert events == []
    with pytest.raises(Rejected), reported():
        refuse("form", "The form is not UTF-8.")
    assert [event.rule for event in events] == ["body.form"]


def test_every_rule_is_listed_with_its_statuses() -> None:
    used: dict[str, set[int]] = {}
    for file in FOLDER.glob("*.py"):
        calls = re.findall(r'refuse\(\s*"([a-z-]+)",\s*"[^"]*",?\s*(\d+)?', file.read_text("utf-8"))
        for rule, status in calls:
            used.setdefault(rule, set()).add(int(status or 400))
    listed: dict[str, set[int]] = {}
    for line in (package.__doc__ or "").splitlines():
        if line.startswith("| `"):
            _, names, status, *_ = line.split("|")
            for rule in re.findall(r"`([a-z-]+)`", names):
                listed[rule] = {int(status)}
    assert listed == used

"""A validator of one's own brings its message, its JSON schema and its event along."""

from __future__ import annotations

from typing import Annotated

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from stockade.boundary import Model, rejects, validate
from stockade.boundary.types.country import country_code
from stockade.boundary.types.identifier import identifier
from stockade.boundary.types.name import name
from stockade.boundary.types.slug import slug
from stockade.boundary.validator import Validator
from stockade.core.errors import Rejected
from stockade.core.events import Event
from stockade.core.secret import fingerprint


@rejects("Expected a room such as B-12.", max_length=8, pattern="^[A-Z]-[0-9]+$")
def room(value: str) -> str:
    building, _, number = value.partition("-")
    if building not in {"A", "B"}:
        raise ValueError(f"no building {building}")
    return f"{building}-{int(number)}"


class Visit(Model):
    room: Annotated[str, room]


def test_a_value_is_taken_and_coerced() -> None:
    assert validate(Visit, {"room": "B-012"}).room == "B-12"
    assert room("B-012") == "B-12"


@pytest.mark.parametrize(
    "value", ["X-12", "B-x", "B-123456789", "", 12, None, b"B-12", "B-1\ud800"]
)
def test_a_refusal_says_what_is_expected_and_not_what_came(
    value: object, events: list[Event]
) -> None:
    with pytest.raises(Rejected) as refused:
        validate(Visit, {"room": value})
    body = refused.value.problem().body("r").decode()
    assert str(value) not in body or not str(value)
    assert refused.value.problem().status == 422
    assert [event.name for event in events] == ["input_validation_fail"]
    assert events[0].details["fields"] == ["/room"]
    if isinstance(value, str) and 0 < len(value) <= 8 and value.isascii():
        assert "Expected a room such as B-12." in body
        assert events[0].details["kinds"] == ["stockade.room"]
        trace = {"length": len(value), "value": fingerprint(value)}
        assert events[0].details["values"] == [{"field": "/room", "rule": "stockade.room"} | trace]
    assert str(value) not in str(events[0].details) or not str(value)


@pytest.mark.asvs("V2.1.1")
def test_the_schema_documents_it() -> None:
    assert TypeAdapter(Visit).json_schema()["properties"]["room"] == {
        "title": "Room",
        "type": "string",
        "minLength": 1,
        "maxLength": 8,
        "pattern": "^[A-Z]-[0-9]+$",
        "description": "Expected a room such as B-12.",
    }


@pytest.mark.parametrize("validator", [name, slug, identifier, country_code])
def test_what_is_accepted_without_python_is_what_python_accepts_unchanged(
    validator: Validator[str],
) -> None:
    @settings(deadline=None)  # the first name compiles an expression of all scripts
    @given(st.from_regex(validator.plain.replace(r"\z", r"\Z"), fullmatch=True))
    def check(value: str) -> None:
        if len(value) <= validator.max_length:
            assert validator(value) == value

    assert validator.plain
    check()

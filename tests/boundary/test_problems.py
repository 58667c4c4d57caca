"""A refusal names the declared field and what it should be, and repeats nothing that was sent."""

import json
from collections.abc import Iterator
from typing import Annotated, Literal

import pytest
from fastapi import FastAPI, Query
from fastapi.exceptions import RequestValidationError
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, ValidationError, field_validator

from stockade.boundary import (
    Line,
    Model,
    Parameters,
    rejection,
    validate,
    validate_form,
    validate_json,
    validate_lines,
)
from stockade.core.bus import bus
from stockade.core.errors import FieldProblem, Rejected
from stockade.core.events import Event, encode_line

CANARY = "canary-7f3a"


class Address(Model):
    street: Line
    odd: Annotated[int, Field(alias="odd/~name", ge=1, le=9)] = 1


class Person(Model):
    name: Line
    role: Literal["nurse", "doctor"] = "nurse"
    addresses: tuple[Address, ...] = ()
    extras: Annotated[dict[str, int], Field(default_factory=dict)]

    @field_validator("name")
    @classmethod
    def not_root(cls, value: str) -> str:
        if value.startswith("root"):
            raise ValueError(f"no {value}")
        return value


@pytest.fixture
def events() -> Iterator[list[Event]]:
    heard: list[Event] = []
    bus.subscribe_audit(heard.append)
    yield heard
    bus.unsubscribe(heard.append)


def problems(data: object) -> dict[str, str]:
    with pytest.raises(Rejected) as caught:
        validate(Person, data, place="body")
    return {problem.pointer: problem.detail for problem in caught.value.errors}


def test_pointers_and_messages() -> None:
    found = problems({"role": CANARY, "addresses": [{"street": "x", "odd/~name": 10}]})
    assert found == {
        "/body/name": "This field is required.",
        "/body/role": "Expected one of: 'nurse' or 'doctor'.",
        "/body/addresses/0/odd~1~0name": "Expected 9 or less.",
    }


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ({"name": "x", CANARY: 1}, "malicious_extraneous"),
        ({"name": "x", "extras": {CANARY: "no"}}, "input_validation_fail"),
        ({"name": "x", "addresses": [{CANARY: 1}]}, "input_validation_fail"),
        ({"name": f"{CANARY}\x00"}, "input_validation_fail"),
        ({"name": "x", "role": CANARY}, "input_validation_discrete_fail"),
        ({"name": "x", "role": CANARY, CANARY: 1}, "input_validation_fail"),
        ({"name": f"root {CANARY}"}, "input_validation_fail"),
        ({"name": [CANARY]}, "input_validation_fail"),
        (CANARY, "input_validation_fail"),
        ({"name": CANARY * 100}, "input_validation_fail"),
    ],
)
def test_nothing_that_was_sent_is_repeated(data: object, name: str, events: list[Event]) -> None:
    with pytest.raises(ValidationError):
        Person.model_validate(data)
    with pytest.raises(Rejected) as caught:
        validate(Person, data)
    assert caught.value.errors
    assert CANARY.encode() not in caught.value.problem().body()
    assert CANARY not in str(caught.value)
    assert [event.name for event in events] == [name]
    assert CANARY.encode() not in encode_line(events[0])
    assert events[0].details["count"] >= 1
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_honest_input_passes_and_is_no_event(events: list[Event]) -> None:
    assert validate(Person, {"name": "Renée O'Hara", "extras": {"any key": 1}}).extras
    assert validate_json(Person, b'{"name": "x"}').name == "x"
    assert events == []


def test_many_problems_are_counted_and_few_listed(events: list[Event]) -> None:
    with pytest.raises(Rejected) as caught:
        validate(Person, {"name": "x", "addresses": [{}] * 500})
    assert len(caught.value.errors) == 20
    assert events[0].details["count"] == 500


def test_undeclared_fields_become_one_problem() -> None:
    found = problems({"name": "x"} | {f"{CANARY}{number}": 1 for number in range(50)})
    assert found == {"/body": "This holds a field that is not declared."}


def test_json_text_is_checked_before_it_is_read() -> None:
    assert json.loads(b'{"name": "a", "name": "b"}') == {"name": "b"}
    with pytest.raises(Rejected):
        validate_json(Person, b'{"name": "a", "name": "b"}')


def test_each_line_is_a_model_and_a_problem_names_its_line(events: list[Event]) -> None:
    lines = b'{"name": "a"}\r\n{"name":\t"b"}\n'
    assert [person.name for person in validate_lines(Person, lines)] == ["a", "b"]
    assert validate_lines(Person, b"") == []
    with pytest.raises(Rejected) as caught:
        validate_lines(Person, lines + b'{"role": "nurse"}\n')
    assert caught.value.errors == (FieldProblem("/body/2/name", "This field is required."),)
    with pytest.raises(Rejected):
        validate_lines(Person, b'{"name": "a", "name": "b"}\n')
    assert [event.rule for event in events] == ["boundary.contract", "body.duplicate"]


class Search(Parameters):
    text: Line
    page: Annotated[int, Field(alias="p")] = 1
    tags: Annotated[list[Line], Field(default_factory=list)]


def test_a_form_is_a_model_and_a_repeated_name_a_list(events: list[Event]) -> None:
    found = validate_form(Search, b"text=Zo%C3%AB+B.&p=2&tags=a&tags=b")
    assert found.model_dump() == {"text": "Zoë B.", "page": 2, "tags": ["a", "b"]}
    assert validate_form(Search, b"text=a&tags=a").tags == ["a"]
    assert events == []
    for body, rule in (
        (b"text=a&text=b", "boundary.contract"),  # one checks the first, another uses the last
        (b"text=a&role=admin", "boundary.contract"),
        (b"text=a&p=x", "boundary.contract"),
        (b"text=%FF", "body.form"),
    ):
        with pytest.raises(Rejected):
            validate_form(Search, body)
        assert events[-1].rule == rule


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda x: (
            st.dictionaries(
                st.text() | st.sampled_from(["name", "addresses", "street", "extras"]), x
            )
            | st.lists(x)
        ),
    )
)
def test_no_data_crashes_it_or_shows_an_undeclared_name(data: object) -> None:
    known = {"body", "name", "role", "addresses", "extras", "street", "odd~1~0name", "*"}
    try:
        validate(Person, data, place="body")
    except Rejected as refused:
        for problem in refused.errors:
            for token in problem.pointer.split("/")[1:]:
                assert token in known or token.isdecimal()


def test_fastapi_errors_of_every_place() -> None:
    class Plain(BaseModel):
        amount: int

    class Filter(Parameters):
        limit: int = 10

    seen: list[tuple[FieldProblem, ...]] = []
    app = FastAPI()

    @app.exception_handler(RequestValidationError)
    async def handle(request: object, error: Exception) -> None:
        assert isinstance(error, RequestValidationError)
        seen.append(rejection(error.errors()).errors)
        raise Rejected("handled")

    @app.post("/plain/{number}")
    def plain(number: int, body: Plain) -> None: ...

    @app.get("/filter")
    def filtered(query: Annotated[Filter, Query()]) -> None: ...

    client = TestClient(app)

    def pointers(method: str, url: str, **rest: object) -> set[str]:
        with pytest.raises(Rejected, match="handled"):
            client.request(method, url, **rest)  # type: ignore[arg-type]
        return {problem.pointer for problem in seen.pop()}

    assert pointers("POST", f"/plain/{CANARY}", json={"amount": CANARY}) == {
        "/path/number",
        "/body/amount",
    }
    assert pointers("GET", f"/filter?{CANARY}=1") == {"/query"}
    assert pointers("GET", f"/filter?limit={CANARY}") == {"/query/limit"}
    header = {"content-type": "application/json"}
    assert pointers("POST", "/plain/1", content=b"{" + CANARY.encode(), headers=header) == {"/body"}

"""A model takes what it declares, in the one standard spelling, and nothing beside it."""

import ctypes
import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from ipaddress import IPv4Address
from typing import Annotated, Self
from uuid import UUID

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import BaseModel, Field, SecretStr, ValidationError, model_validator

from stockade.boundary import Model, Parameters, validate
from stockade.boundary.model import MAX_TEXT
from stockade.core.errors import Rejected


class Colour(Enum):
    RED = "red"


class Level(IntEnum):
    ONE = 1


class Visit(Model):
    day: Annotated[date, Field(ge=date(2000, 1, 1))]


class Everything(Model):
    at: datetime
    id: UUID
    colour: Colour
    again: Colour | None
    level: Level
    points: tuple[int, ...]
    tags: frozenset[str]
    address: IPv4Address
    price: Decimal
    ratio: float
    span: timedelta
    data: bytes
    visits: list[Visit]
    by_name: dict[str, Visit]


HONEST: dict[str, object] = {
    "at": "2026-01-31T13:45:00Z",
    "id": "12345678-1234-5678-1234-567812345678",
    "colour": "red",
    "again": "red",
    "level": 1,
    "points": [1, 2],
    "tags": ["a"],
    "address": "192.0.2.1",
    "price": "12.50",
    "ratio": 0.5,
    "span": "PT15M",
    "data": "abc",
    "visits": [{"day": "2026-01-31"}],
    "by_name": {"first": {"day": "2026-01-31"}},
}


def test_json_spellings_are_taken_alike_from_objects_and_from_text() -> None:
    from_objects = Everything.model_validate(HONEST)
    assert from_objects == Everything.model_validate_json(json.dumps(HONEST))
    assert from_objects.visits[0].day == date(2026, 1, 31)
    assert from_objects.colour is Colour.RED
    assert from_objects.price == Decimal("12.50")
    assert from_objects.points == (1, 2)


def test_objects_of_the_declared_type_pass() -> None:
    twice = Everything.model_validate(Everything.model_validate(HONEST).model_dump())
    assert twice.address == IPv4Address("192.0.2.1")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("at", 0),
        ("at", "1577836800"),
        ("at", "2026-02-31T00:00:00Z"),
        ("id", "{12345678-1234-5678-1234-567812345678}"),
        ("id", 5),
        ("colour", "blue"),
        ("again", True),
        ("level", True),
        ("points", ["1"]),
        ("points", "12"),
        ("tags", [1]),
        ("address", 1),
        ("price", True),
        ("price", "1e400"),
        ("price", "NaN"),
        ("ratio", "0.5"),
        ("ratio", float("inf")),
        ("ratio", float("nan")),
        ("ratio", True),
        ("span", 5),
        ("visits", [{"day": "1999-12-31"}]),
        ("visits", [{"day": 0}]),
        ("visits", [{"day": "2026-01-31", "admin": True}]),
        ("by_name", {"x": {"day": "1577836800"}}),
    ],
)
def test_every_other_spelling_is_refused(field: str, value: object) -> None:
    changed = HONEST | {field: value}
    with pytest.raises(ValidationError):
        Everything.model_validate(changed)
    with pytest.raises(ValidationError):
        Everything.model_validate_json(json.dumps(changed))


def test_1e400_in_json_text_is_no_number() -> None:
    text = json.dumps(HONEST).replace("0.5", "1e400")
    with pytest.raises(ValidationError):
        Everything.model_validate_json(text)


@pytest.mark.asvs("V2.2.1")
def test_mass_assignment_works_on_a_plain_model_and_fails_on_ours() -> None:
    class PlainAccount(BaseModel, extra="allow"):
        name: str

    class Account(Model):
        name: str

    class Row:
        is_admin = False

    sent = {"name": "eve", "is_admin": True}
    row = Row()
    vars(row).update(PlainAccount.model_validate(sent).model_dump())
    assert row.is_admin
    row = Row()
    with pytest.raises(ValidationError):
        vars(row).update(Account.model_validate(sent).model_dump())
    assert not row.is_admin
    vars(row).update(Account.model_validate({"name": "eve"}).model_dump())


def test_a_model_is_frozen_bounded_and_shows_no_password() -> None:
    class SignIn(Model):
        name: str
        password: Annotated[SecretStr, Field(min_length=12)]

    signed = SignIn.model_validate({"name": "a", "password": "correct horse"})
    with pytest.raises(ValidationError):
        signed.name = "b"  # type: ignore[misc]
    with pytest.raises(ValidationError, match="string_too_long"):
        SignIn.model_validate({"name": "a" * (MAX_TEXT + 1), "password": "correct horse"})
    with pytest.raises(ValidationError) as caught:
        SignIn.model_validate({"name": "a", "password": "hunter2"})
    assert "hunter2" not in str(caught.value)


def test_a_lone_surrogate_is_no_text() -> None:
    class Note(Model):
        body: str

    with pytest.raises(ValidationError):
        Note.model_validate({"body": "\ud800"})


@pytest.mark.asvs("V1.4.2")
@pytest.mark.parametrize("pieces", [2**31, 2**32 + 1, -(2**31) - 1, -1, 2**63])
def test_a_number_that_overflows_further_in_is_refused(pieces: int) -> None:
    """Python's numbers do not overflow; those of a C library, a file format or a column do."""

    class PlainOrder(BaseModel):
        pieces: int

    class Order(Model):
        pieces: Annotated[int, Field(ge=0, lt=2**31)]

    taken = PlainOrder(pieces=pieces).pieces
    assert ctypes.c_int32(taken).value != taken or taken < 0  # somebody is paid for what he buys
    with pytest.raises(ValidationError):
        Order(pieces=pieces)
    assert ctypes.c_int32(Order(pieces=2**31 - 1).pieces).value == 2**31 - 1


class Stay(Model):
    first: date
    last: date
    guests: Annotated[int, Field(ge=1)]
    beds: Annotated[int, Field(ge=1)]

    @model_validator(mode="after")
    def fits(self) -> Self:
        if self.last < self.first or self.beds < self.guests:
            raise ValueError("a stay ends after it has begun, with a bed for each guest")
        return self


@pytest.mark.asvs("V2.2.3")
@pytest.mark.parametrize(
    ("changed", "price"), [({"last": "2026-01-01"}, -3_000), ({"guests": 9, "beds": 1}, 100)]
)
def test_what_belongs_together_has_to_fit(changed: dict[str, object], price: int) -> None:
    sent = {"first": "2026-01-31", "last": "2026-02-01", "guests": 2, "beds": 2} | changed

    class PlainStay(BaseModel):
        first: date
        last: date
        guests: Annotated[int, Field(ge=1)]
        beds: Annotated[int, Field(ge=1)]

    plain = PlainStay.model_validate(sent)  # each value by itself is one that is taken
    assert (plain.last - plain.first).days * plain.beds * 100 in (price, price * 2)
    with pytest.raises(Rejected) as refused:
        validate(Stay, sent)
    assert refused.value.problem().status == 422
    assert "2026" not in refused.value.problem().body().decode()
    assert validate(Stay, sent | {"last": "2026-02-01", "guests": 1, "beds": 1}).guests == 1


def test_parameters_read_text_and_nothing_undeclared() -> None:
    class Page(Parameters):
        number: int = 1
        deep: bool = False
        since: date | None = None

    page = Page.model_validate({"number": "2", "deep": "true", "since": "2026-01-31"})
    assert (page.number, page.deep, page.since) == (2, True, date(2026, 1, 31))
    for wrong in ({"number": "x"}, {"size": "1"}, {"since": "0"}):
        with pytest.raises(ValidationError):
            Page.model_validate(wrong)


@pytest.mark.asvs("V2.2.2")
def test_what_no_form_would_send_is_refused_by_the_service() -> None:
    """The page's own checks (`min`, `maxlength`, `required`) bind nobody who sends without it."""

    class PlainOrder(BaseModel):
        pieces: int
        note: str = ""

    class Order(Model):
        pieces: Annotated[int, Field(ge=1, le=10)]
        note: Annotated[str, Field(max_length=20)] = ""

    taken: list[int] = []
    app = FastAPI()

    @app.post("/plain")
    def plain(order: PlainOrder) -> None:
        taken.append(order.pieces)

    @app.post("/order")
    def order(order: Order) -> None:
        taken.append(order.pieces)

    client = TestClient(app)
    for sent in ({"pieces": -5}, {"pieces": 11}, {"pieces": 1, "note": "x" * 21}):
        assert client.post("/plain", json=sent).status_code == 200
        assert client.post("/order", json=sent).status_code == 422
    assert taken == [-5, 11, 1]
    assert client.post("/order", json={"pieces": 10, "note": "x" * 20}).status_code == 200


def test_fastapi_reads_bodies_and_queries_and_the_schema_stays_usual() -> None:
    class Filter(Parameters):
        limit: int = 10

    app = FastAPI()

    @app.post("/visits")
    def create(visit: Visit) -> Visit:
        return visit

    client = TestClient(app)
    assert client.post("/visits", json={"day": "2026-01-31"}).json() == {"day": "2026-01-31"}
    assert client.post("/visits", json={"day": 0}).status_code == 422
    schema = app.openapi()["components"]["schemas"]["Visit"]
    assert schema["properties"]["day"] == {"type": "string", "format": "date", "title": "Day"}
    assert schema["additionalProperties"] is False
    assert Filter.model_validate({"limit": "3"}).limit == 3


def test_a_model_may_hold_itself() -> None:
    class Node(Model):
        day: date
        next: "Node | None" = None

    Node.model_rebuild()
    node = Node.model_validate({"day": "2026-01-31", "next": {"day": "2026-02-01"}})
    assert node.next is not None
    assert node.next.day == date(2026, 2, 1)

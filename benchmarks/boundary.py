"""What the boundary costs against the plain thing: a model of our types, and the strict JSON pass.

Both in process, in CPU time of the thread. A model is made from JSON text, as it is in a service.
"""

from __future__ import annotations

import json
from functools import partial
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, EmailStr, Field, StringConstraints

from benchmarks.claim import Measured
from benchmarks.rounds import calls, ratios, same, turn_about
from stockade.boundary import (
    CountryCode,
    Email,
    Identifier,
    Line,
    Model,
    Name,
    Slug,
    Text,
    check_body,
)

__all__ = ["model", "strict_json"]

_ROUNDS = 61
_TIMES = 300


_PlainLine: TypeAlias = Annotated[
    str, StringConstraints(pattern=r"^[^\x00-\x1f]+$", min_length=1, max_length=200)
]
_PlainText: TypeAlias = Annotated[
    str, StringConstraints(pattern=r"^[^\x00-\x08]*$", max_length=10_000)
]
_PlainSlug: TypeAlias = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9]+(?:-[a-z0-9]+)*$", max_length=80)
]
_PlainIdentifier: TypeAlias = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=63)
]
_PlainCountry: TypeAlias = Annotated[
    str, StringConstraints(pattern=r"^[A-Z]{2}$", min_length=2, max_length=2)
]


class _Ours(Model):
    name: Name
    subject: Line
    remarks: Text
    slug: Slug
    ward: Identifier
    country: CountryCode
    age: Annotated[int, Field(ge=0, le=150)]
    weight: Annotated[float, Field(gt=0, lt=500)]
    active: bool
    tags: Annotated[list[Line], Field(max_length=10)]


class _Plain(BaseModel):
    name: _PlainLine
    subject: _PlainLine
    remarks: _PlainText
    slug: _PlainSlug
    ward: _PlainIdentifier
    country: _PlainCountry
    age: Annotated[int, Field(ge=0, le=150)]
    weight: Annotated[float, Field(gt=0, lt=500)]
    active: bool
    tags: Annotated[list[_PlainLine], Field(max_length=10)]


class _OursWithEmail(_Ours):
    email: Email


class _PlainWithEmail(_Plain):
    email: EmailStr


_PATIENT = {
    "name": "Anna Müller",
    "subject": "Second visit",
    "remarks": "Came with her sister.\nWants a copy of the letter.",
    "slug": "second-visit-2026",
    "ward": "ward_12",
    "country": "CH",
    "age": 41,
    "weight": 63.5,
    "active": True,
    "tags": ["cardiology", "follow-up"],
}
_RECORD = {**_PATIENT, "id": 4_711, "address": {"street": "Main St 1", "city": "Bern"}}
# Of 1 kB each: as browsers write it, as Python does, as Go does; quick and slow ones to parse.
BODIES: dict[str, bytes] = {
    kind: text.encode()
    for kind, text in {
        "compact": json.dumps([_RECORD] * 3, ensure_ascii=False, separators=(",", ":")),
        "spaced": json.dumps([_RECORD] * 3, ensure_ascii=False),
        "escaped": json.dumps([{"html": "<p>Zoë: 日本</p>"}] * 20).replace("<", r"\u003c"),
        "text": json.dumps({"text": "A letter of some length, in one string. " * 25}),
        "numbers": json.dumps([number * 1.37 for number in range(85)]),
        "rows": json.dumps([{"id": number, "n": None} for number in range(40)]),
    }.items()
}


def model(effort: int) -> Measured:
    """A model of our types against plain ones; `peers`: with an Email more, against EmailStr."""
    measured = _models(_Plain, _Ours, _PATIENT, effort)
    address = {**_PATIENT, "email": "anna.mueller@example.com"}
    with_email = _models(_PlainWithEmail, _OursWithEmail, address, effort)
    return measured._replace(peers={"with an e-mail address": with_email.value})


def strict_json(effort: int) -> Measured:
    """The strict pass over bodies of 1 kB of several kinds; the worst of them."""
    found = {}
    for kind, body in BODIES.items():
        bare = calls(json.loads, same(body, _TIMES))
        strict = partial(check_body, "application/json", max_depth=64)
        found[kind] = ratios(turn_about(bare, calls(strict, same(body, _TIMES)), _ROUNDS * effort))
    worst = max(found.values())
    return worst._replace(peers={kind: one.value for kind, one in found.items()})


def _models(
    plain: type[BaseModel], ours: type[BaseModel], values: dict[str, Any], effort: int
) -> Measured:
    body = json.dumps(values, ensure_ascii=False).encode()
    assert ours.model_validate_json(body).model_dump() == values
    assert plain.model_validate_json(body).model_dump() == values
    return ratios(
        turn_about(
            calls(plain.model_validate_json, same(body, _TIMES)),
            calls(ours.model_validate_json, same(body, _TIMES)),
            _ROUNDS * effort,
        )
    )

"""What an endpoint takes, declared once: the OpenAPI description is written from it.

FastAPI needs no such thing. Flask and Django do: a view reads its request as it likes, and beside
it stands what it reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

__all__ = [
    "Endpoint",
    "Field",
    "cookie",
    "description",
    "file",
    "form",
    "header",
    "json_key",
    "json_value",
    "part",
    "path",
    "query",
]

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"

_IN_PATH = re.compile(r"<(?:\w+:)?(\w+)>")


class Field(NamedTuple):
    """One value that a client sends: `place` is OpenAPI's `in`, or the media type of its body."""

    place: str
    name: str
    example: Any
    schema: dict[str, Any]


_TEXT = {"type": "string"}


def query(name: str, example: str) -> Field:
    return Field("query", name, example, _TEXT)


def header(name: str, example: str) -> Field:
    return Field("header", name, example, _TEXT)


def cookie(name: str, example: str) -> Field:
    return Field("cookie", name, example, _TEXT)


def path(name: str, example: str) -> Field:
    return Field("path", name, example, _TEXT)


def form(name: str, example: str) -> Field:
    return Field(FORM, name, example, _TEXT)


def part(name: str, example: str) -> Field:
    """A text in a multipart form."""
    return Field(MULTIPART, name, example, _TEXT)


def file(name: str, example: str) -> Field:
    """A file in a multipart form, its name included."""
    return Field(MULTIPART, name, example, {"type": "string", "format": "binary"})


def json_value(name: str, example: str | list[str] | int) -> Field:
    """A member of a JSON object."""
    if isinstance(example, list):
        return Field(JSON, name, example, {"type": "array", "items": _TEXT})
    return Field(JSON, name, example, _TEXT if isinstance(example, str) else {"type": "integer"})


def json_key(example: dict[str, str]) -> Field:
    """A JSON object whose keys the client chooses."""
    return Field(JSON, "", example, {"type": "object", "additionalProperties": _TEXT})


class Endpoint(NamedTuple):
    """A method and a route (`/products/<name>`, as Flask and Django write it) with its fields."""

    method: str
    route: str
    fields: tuple[Field, ...]
    id: str
    summary: str
    out_of_reach: str = ""
    followed_by: str = ""


def description(title: str, endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """The OpenAPI 3.1 document."""
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        operations = paths.setdefault(_IN_PATH.sub(r"{\1}", endpoint.route), {})
        operations[endpoint.method.lower()] = _operation(endpoint)
    return {"openapi": "3.1.0", "info": {"title": title, "version": "1"}, "paths": paths}


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": "Successful Response"}
    if endpoint.followed_by:
        answer["links"] = {"effect": {"operationId": endpoint.followed_by}}
    operation: dict[str, Any] = {
        "operationId": endpoint.id,
        "summary": endpoint.summary,
        "parameters": [_parameter(each) for each in endpoint.fields if "/" not in each.place],
        "responses": {"200": answer},
    }
    if body := [each for each in endpoint.fields if "/" in each.place]:
        operation["requestBody"] = {"required": True, "content": {body[0].place: _body(body)}}
    if endpoint.out_of_reach:
        operation["x-stockade-out-of-reach"] = endpoint.out_of_reach
    return operation


def _parameter(field: Field) -> dict[str, Any]:
    return {
        "name": field.name,
        "in": field.place,
        "required": True,
        "schema": field.schema | {"examples": [field.example]},
    }


def _body(fields: list[Field]) -> dict[str, Any]:
    if not fields[0].name:
        return {"schema": fields[0].schema | {"examples": [fields[0].example]}}
    properties = {each.name: each.schema | {"examples": [each.example]} for each in fields}
    return {"schema": {"type": "object", "properties": properties, "required": [*properties]}}

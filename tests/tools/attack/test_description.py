from typing import Any

import pytest

from stockade.tools.attack.description import operations_of
from stockade.tools.attack.model import Operation


def body(schema: Any, media_type: str = "application/json", **more: Any) -> Operation:
    content = {media_type: {"schema": schema}}
    return operations_of({"paths": {"/": {"post": {"requestBody": {"content": content}}}}, **more})[
        0
    ]


def slots(operation: Operation) -> set[tuple[str, str, bool]]:
    return {(slot.source, slot.name, slot.text) for slot in operation.slots}


def test_every_place_that_a_client_fills_is_a_slot() -> None:
    parameters = [
        {"name": name, "in": name, "schema": {"type": "string"}}
        for name in ("path", "query", "header", "cookie")
    ]
    operation = operations_of({"paths": {"/{path}": {"get": {"parameters": parameters}}}})[0]
    assert slots(operation) == {
        (each, each, True) for each in ("path", "query", "header", "cookie")
    }


def test_json_gives_its_leaves_and_the_keys_that_a_client_may_choose() -> None:
    schema = {
        "type": "object",
        "properties": {
            "name": {"$ref": "#/components/schemas/Name"},
            "age": {"anyOf": [{"type": "null"}, {"type": "integer"}]},
            "tags": {"type": "array", "items": {"type": "string"}},
            "extra": {"type": "object", "additionalProperties": {"type": "string"}},
        },
    }
    operation = body(schema, components={"schemas": {"Name": {"type": "string"}}})
    assert slots(operation) == {
        ("json_value", "/name", True),
        ("json_value", "/age", False),
        ("json_value", "/tags/0", True),
        ("json_key", "/extra*", True),
        ("json_value", "/extra/name", True),
    }


def test_a_form_gives_fields_and_files() -> None:
    schema = {
        "type": "object",
        "properties": {"note": {"type": "string"}, "scan": {"type": "string", "format": "binary"}},
    }
    operation = body(schema, "multipart/form-data")
    assert slots(operation) == {
        ("form", "note", True),
        ("file", "scan", True),
        ("file_name", "scan", True),
    }
    assert operation.file_fields == {"scan"}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string", "examples": ["tea"]}, "tea"),
        ({"enum": ["a", "b"]}, "a"),
        ({"type": "integer", "minimum": 7}, 7),
        ({"type": "string", "format": "email"}, "ann@example.org"),
        ({"type": "string", "minLength": 10}, "Notebookkk"),
        ({"type": "array", "minItems": 2, "items": {"type": "boolean"}}, [True, True]),
    ],
)
def test_honest_values_follow_the_schema(schema: dict[str, Any], value: Any) -> None:
    assert body({"type": "object", "properties": {"it": schema}}).body == {"it": value}


def test_marks_and_links_are_read() -> None:
    operation = operations_of(
        {
            "paths": {
                "/": {
                    "get": {
                        "x-stockade-out-of-reach": "a reason",
                        "responses": {"200": {"links": {"effect": {"operationId": "other"}}}},
                    }
                }
            }
        }
    )[0]
    assert operation.out_of_reach == "a reason"
    assert operation.followed_by == ("other",)

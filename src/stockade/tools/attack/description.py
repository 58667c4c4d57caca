"""From an OpenAPI description to operations: an honest request for each, its untrusted slots."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from stockade.tools.attack.model import Operation, Slot

__all__ = ["FILE_NAME", "operations_of", "synthesise"]

_METHODS = ("get", "put", "post", "delete", "patch")
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_BY_FORMAT = {
    "email": "ann@example.org",
    "uuid": "00000000-0000-4000-8000-000000000001",
    "date": "2024-02-29",
    "date-time": "2024-02-29T12:00:00Z",
    "time": "12:00:00",
    "duration": "PT5M",
    "uri": "https://example.org/",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
}
_DEEPEST = 6
FILE_NAME = "file.csv"
"""What a file is called in honest requests."""


class _Schemas:
    """Resolves references of one description."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document

    def resolve(self, schema: Any) -> dict[str, Any]:
        """The schema behind references; of several alternatives the first that is not null."""
        for _ in range(16):
            if not isinstance(schema, dict):
                return {}
            if "$ref" in schema:
                target: Any = self._document
                for step in schema["$ref"].removeprefix("#/").split("/"):
                    target = target.get(step.replace("~1", "/").replace("~0", "~"), {})
                schema = target | {key: value for key, value in schema.items() if key != "$ref"}
                continue
            for key in ("anyOf", "oneOf", "allOf"):
                if options := schema.get(key):
                    chosen = [option for option in options if option.get("type") != "null"]
                    rest = {name: value for name, value in schema.items() if name != key}
                    schema = (chosen or options)[0] | rest
                    break
            else:
                return schema
        return {}


def _example(schema: Mapping[str, Any]) -> Any:
    for key in ("example", "default", "const"):
        if schema.get(key) is not None:
            return schema[key]
    for key in ("examples", "enum"):
        if options := schema.get(key):
            first = next(iter(options.values())) if isinstance(options, dict) else options[0]
            return first.get("value") if isinstance(first, dict) and "value" in first else first
    return None


def synthesise(schemas: _Schemas, schema: Any, depth: int = 0) -> Any:
    """An honest value for a schema: its example where it has one, else the plainest that fits."""
    schema = schemas.resolve(schema)
    example = _example(schema)
    if example is not None:
        return example
    match schema.get("type"):
        case "integer" | "number":
            lowest = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
            return min(lowest, schema.get("maximum", lowest)) if lowest > 1 else 1
        case "boolean":
            return True
        case "array":
            wanted = max(1, schema.get("minItems", 1)) if depth < _DEEPEST else 0
            return [synthesise(schemas, schema.get("items", {}), depth + 1)] * wanted
        case "object" if depth < _DEEPEST:
            return _object(schemas, schema, depth)
        case "object" | "null":
            return {} if schema.get("type") == "object" else None
    text: str = _BY_FORMAT.get(schema.get("format", ""), "Notebook")
    return text.ljust(schema.get("minLength", 0), "k")[: schema.get("maxLength", 1 << 16)]


def _object(schemas: _Schemas, schema: dict[str, Any], depth: int) -> dict[str, Any]:
    properties = schema.get("properties", {})
    value = {name: synthesise(schemas, member, depth + 1) for name, member in properties.items()}
    extra = schema.get("additionalProperties")
    if extra and not value:
        value["name"] = synthesise(schemas, extra if isinstance(extra, dict) else {}, depth + 1)
    return value


def _free_text(schema: Mapping[str, Any]) -> bool:
    return (
        schema.get("type", "string") == "string"
        and "enum" not in schema
        and "const" not in schema
        and schema.get("format", "binary") in ("binary", "password", "byte")
    )


def _slots_of_json(
    schemas: _Schemas, schema: Any, value: Any, where: tuple[str | int, ...] = ()
) -> Iterator[Slot]:
    """A slot for each leaf of a JSON body, and one for the first key that the client may choose."""
    schema = schemas.resolve(schema)
    name = "/" + "/".join(map(str, where))
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        extra = schema.get("additionalProperties", "properties" not in schema)
        free = [key for key in value if key not in properties]
        if extra and free:
            yield Slot("json_key", f"{name}*", (*where, free[0]), free[0], text=True)
        for key, member in value.items():
            inner = properties.get(key, extra if isinstance(extra, dict) else {})
            yield from _slots_of_json(schemas, inner, member, (*where, key))
    elif isinstance(value, list):
        if value:
            yield from _slots_of_json(schemas, schema.get("items", {}), value[0], (*where, 0))
    elif where and value is not None:
        text = isinstance(value, str) and _free_text(schema)
        yield Slot("json_value", name, where, str(value), text)


def _parameters(
    schemas: _Schemas, parameters: list[Any], into: dict[str, dict[str, Any]]
) -> Iterator[Slot]:
    for reference in parameters:
        parameter = schemas.resolve(reference)
        place, name = parameter["in"], parameter["name"]
        schema = schemas.resolve(parameter.get("schema", {}))
        value = _example(parameter)
        value = synthesise(schemas, schema) if value is None else value
        into[place][name] = value if place == "query" else str(value)
        inner = (
            schemas.resolve(schema.get("items", {})) if schema.get("type") == "array" else schema
        )
        example = value[0] if isinstance(value, list) and value else value
        yield Slot(place, name, (name,), str(example), _free_text(inner))


def _body(schemas: _Schemas, operation: Mapping[str, Any]) -> tuple[str, Any, dict[str, Any]]:
    content = schemas.resolve(operation.get("requestBody", {})).get("content", {})
    for media_type in ("application/json", *_FORMS):
        if media_type in content:
            schema = schemas.resolve(content[media_type].get("schema", {}))
            value = _example(content[media_type])
            return media_type, synthesise(schemas, schema) if value is None else value, schema
    return "", None, {}


def _slots_of_form(schemas: _Schemas, schema: Mapping[str, Any], value: Any) -> Iterator[Slot]:
    for name, example in value.items():
        field = schemas.resolve(schema.get("properties", {}).get(name, {}))
        file = _is_file(field)
        first = example[0] if isinstance(example, list) and example else example
        yield Slot("file" if file else "form", name, (name,), str(first), file or _free_text(field))
        if file:
            yield Slot("file_name", name, (name,), FILE_NAME, text=True)


def _is_file(field: Mapping[str, Any]) -> bool:
    return field.get("format") == "binary" or "contentMediaType" in field


def _operation(
    schemas: _Schemas, method: str, template: str, shared: list[Any], given: Mapping[str, Any]
) -> Operation:
    into: dict[str, dict[str, Any]] = {"path": {}, "query": {}, "header": {}, "cookie": {}}
    slots = list(_parameters(schemas, [*shared, *given.get("parameters", [])], into))
    media_type, body, schema = _body(schemas, given)
    files: frozenset[str] = frozenset()
    if media_type in _FORMS and isinstance(body, dict):
        slots += _slots_of_form(schemas, schema, body)
        properties = schema.get("properties", {})
        files = frozenset(name for name in body if _is_file(schemas.resolve(properties.get(name))))
    elif media_type:
        slots += _slots_of_json(schemas, schema, body)
    links = [
        link["operationId"]
        for response in given.get("responses", {}).values()
        for link in response.get("links", {}).values()
        if "operationId" in link
    ]
    return Operation(
        id=given.get("operationId", ""),
        method=method.upper(),
        template=template,
        path=into["path"],
        query=into["query"],
        headers=into["header"],
        cookies=into["cookie"],
        media_type=media_type,
        body=body,
        slots=tuple(slots),
        out_of_reach=given.get("x-stockade-out-of-reach", ""),
        followed_by=tuple(links),
        file_fields=files,
    )


def operations_of(document: Mapping[str, Any]) -> list[Operation]:
    """Every operation of an OpenAPI 3 description."""
    schemas = _Schemas(document)
    return [
        _operation(
            schemas,
            method,
            re.sub(r":path}", "}", template),
            item.get("parameters", []),
            item[method],
        )
        for template, item in document.get("paths", {}).items()
        for method in _METHODS
        if method in item
    ]

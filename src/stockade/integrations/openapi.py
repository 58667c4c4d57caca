"""OpenAPI of a protected FastAPI application: the refusals that it really answers with.

FastAPI documents 422 as its own `HTTPValidationError`; here it is a problem document (RFC 9457), as
are 400, 403, 413, 415, 429, 500 and every other error (`default`). What a route declares itself
stays as it is; an error that it declares with a description alone gets the content that it has.
Nothing is said of errors that the application answers by handlers of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from stockade.core.errors import PROBLEM_TYPE
from stockade.integrations.starlette_errors import answered

__all__ = ["describe"]

Json = dict[str, Any]

_SCHEMAS = "#/components/schemas/"
_RESPONSES = "#/components/responses/"
_ANY = {
    "400": "The request is malformed.",
    "403": "The request is refused: not allowed, or one of its values is not acceptable here.",
    "429": "Too many requests or attempts: wait as long as Retry-After says.",
    "500": "The service failed. `instance` is what to ask its operators about.",
    "default": "Any other error.",
}
_WITH_BODY = {
    "413": "The body is too large.",
    "415": "The body is not of a type, coding or charset that is read here.",
}
_WITH_INPUT = {"422": "The input does not match what is declared here; `errors` says where."}
_DESCRIPTIONS = _ANY | _WITH_BODY | _WITH_INPUT
_METHODS = frozenset(("get", "put", "post", "delete", "options", "head", "patch", "trace"))

_PROBLEM: Json = {
    "title": "Problem",
    "description": "What is wrong with a request (RFC 9457). No member echoes what was sent.",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {
            "type": "string",
            "format": "uri-reference",
            "description": f"`{PROBLEM_TYPE}` and a kind, or `about:blank`.",
        },
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "instance": {
            "type": "string",
            "format": "uri",
            "description": "The request's id, which is also in the service's own log.",
        },
        "errors": {
            "type": "array",
            "description": "The fields that do not match.",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {
                    "pointer": {
                        "type": "string",
                        "format": "json-pointer",
                        "description": "Where (RFC 6901); `/body`, `/query`, … come first.",
                    },
                    "detail": {"type": "string", "description": "What is expected there."},
                },
            },
        },
    },
}


def describe(app: Any) -> None:
    """Let `app.openapi()` tell of problem documents, where `app` has one."""
    generate: Callable[[], Json] | None = getattr(app, "openapi", None)
    if generate is None:
        return  # Starlette
    kept: list[Json] = []  # until a route is added

    def openapi() -> Json:
        document: Json = generate()
        if not kept or kept[0] is not document:
            _describe(document, answered(app))
            kept[:] = [document]
        return document

    app.openapi = openapi


def _describe(document: Json, ours: set[str]) -> None:
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    name = "Problem" if schemas.get("Problem", _PROBLEM) == _PROBLEM else "StockadeProblem"
    schemas[name] = deepcopy(_PROBLEM)
    responses = components.setdefault("responses", {})
    for status, description in _DESCRIPTIONS.items():
        responses[f"Problem-{status}"] = _response(status, description, name)
    for operation in _operations(document):
        _add_problems(operation, ours, name)
    if "validation" in ours:
        for unused in ("HTTPValidationError", "ValidationError"):
            if not _is_used(document, _SCHEMAS + unused):
                schemas.pop(unused, None)


def _response(status: str, description: str, schema: str) -> Json:
    response: Json = {"description": description, "content": _content(schema)}
    if status == "429":
        seconds = {"type": "integer", "minimum": 1}
        response["headers"] = {"Retry-After": {"description": "Seconds.", "schema": seconds}}
    return response


def _content(schema: str) -> Json:
    return {"application/problem+json": {"schema": {"$ref": _SCHEMAS + schema}}}


def _operations(document: Json) -> Iterator[Json]:
    for path in document.get("paths", {}).values():
        for method, operation in path.items():
            if method in _METHODS:
                yield operation


def _add_problems(operation: Json, ours: set[str], schema: str) -> None:
    responses: Any = operation.setdefault("responses", {})
    if "validation" in ours and _is_frameworks(responses.get("422")):
        del responses["422"]
    own = set(responses)
    if "http" in ours:
        for status in own:
            if status[0] in "45" and responses[status].keys() == {"description"}:
                responses[status]["content"] = _content(schema)
    for status in sorted(_wanted(operation, ours)):
        if not own & {status, f"{status[0]}XX"}:
            responses[status] = {"$ref": f"{_RESPONSES}Problem-{status}"}


def _wanted(operation: Json, ours: set[str]) -> set[str]:
    """The statuses that are documented as problems where the operation says nothing of them."""
    wanted = set(_ANY)
    if "requestBody" in operation:
        wanted |= set(_WITH_BODY)
    if "validation" in ours and ("requestBody" in operation or operation.get("parameters")):
        wanted |= set(_WITH_INPUT)
    if "crash" not in ours:
        wanted.discard("500")
    if "http" not in ours:
        wanted.discard("default")
    return wanted


def _is_frameworks(response: Json | None) -> bool:
    """Whether it is what FastAPI puts where a route declares nothing."""
    content = (response or {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    return bool(schema == {"$ref": _SCHEMAS + "HTTPValidationError"})


def _is_used(node: Any, reference: str) -> bool:
    if isinstance(node, dict):
        return node.get("$ref") == reference or any(_is_used(v, reference) for v in node.values())
    return isinstance(node, list) and any(_is_used(item, reference) for item in node)

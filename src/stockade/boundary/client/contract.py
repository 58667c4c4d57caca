"""The contract of an answer: another service's data is untrusted input like any other.

The bytes pass the strict JSON check first (`check_body`: no duplicate keys, NaN, lone surrogates,
endless nesting), then the declared model. A breach is an `upstream_failed` event with field, rule
and keyed fingerprint, and an `AnswerRejected`; neither holds a value, nor a name that the service
chose.

Sources: ASVS 5.0 V2.2.1, V1.5.3, V4.1.1; OWASP API10:2023, Unsafe Consumption of APIs.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import lru_cache
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticInvalidForJsonSchema, PydanticUserError

from stockade.boundary.body import check_body
from stockade.boundary.client.telling import tell_contract
from stockade.core.errors import AnswerRejected, FieldProblem, Rejected
from stockade.core.secret import fingerprint

__all__ = ["read_as"]

T = TypeVar("T")

MAX_DEPTH = 64
_MAX_PROBLEMS = 20
_MESSAGE = (
    "the answer is not what is declared here; if it is honest, widen the model (`errors` names the "
    "fields)"
)


def read_as(model: type[T] | TypeAdapter[T], content_type: str, content: bytes, upstream: str) -> T:
    """`content` as a `model`. Raises AnswerRejected, which is an event too."""
    media_type = content_type.partition(";")[0].strip().lower()
    if not (media_type in ("application/json", "text/json") or media_type.endswith("+json")):
        tell_contract(upstream, "client.contract", kinds=["content_type"])
        raise AnswerRejected("the answer does not say that it is JSON", rule="client.contract")
    try:
        check_body(content_type, content, max_depth=MAX_DEPTH)
    except Rejected as error:
        rule = error.rule
    else:
        rule = ""
    if rule:
        tell_contract(upstream, "client.contract", kinds=[rule], length=len(content))
        raise AnswerRejected(_MESSAGE, rule="client.contract")
    adapter = model if isinstance(model, TypeAdapter) else _adapter(cast("Hashable", model))
    try:
        return cast("T", adapter.validate_json(content))
    except ValidationError as error:
        # Raised out here, so that no __context__ leads back to an error that holds the input.
        breach = error.errors(include_url=False, include_context=False)
    raise _broken(breach, _declared(adapter), upstream)


def _broken(breach: Sequence[Any], declared: frozenset[str], upstream: str) -> AnswerRejected:
    problems: dict[FieldProblem, None] = {}
    values: list[dict[str, str | int]] = []
    for error in breach[:_MAX_PROBLEMS]:
        kind, value = str(error["type"]), error.get("input")
        pointer = _pointer(error["loc"], kind, declared)
        problems[FieldProblem(pointer, kind)] = None
        if isinstance(value, (str, bytes)):
            values.append({"field": pointer, "length": len(value), "value": fingerprint(value)})
    tell_contract(
        upstream,
        "client.contract",
        count=len(breach),
        fields=sorted({problem.pointer for problem in problems}),
        kinds=sorted({problem.detail for problem in problems}),
        values=values,
    )
    return AnswerRejected(_MESSAGE, rule="client.contract", errors=tuple(problems))


def _pointer(location: Sequence[str | int], kind: str, declared: frozenset[str]) -> str:
    """A JSON Pointer (RFC 6901); `*` for what the model does not name."""
    steps = location[:-1] if kind == "extra_forbidden" else location
    names = (
        step.replace("~", "~0").replace("/", "~1") if step in declared else "*"
        for step in map(str, steps)
    )
    numbers = (isinstance(step, int) for step in steps)
    return "".join(
        f"/{step if is_number else name}"
        for step, name, is_number in zip(steps, names, numbers, strict=True)
    )


@lru_cache(maxsize=256)
def _adapter(model: Any) -> TypeAdapter[Any]:
    return TypeAdapter(model)


@lru_cache(maxsize=256)
def _declared(adapter: TypeAdapter[Any]) -> frozenset[str]:
    """Every field name that the model's schema declares."""
    try:
        schema = adapter.json_schema()
    except (PydanticInvalidForJsonSchema, PydanticUserError):
        return frozenset()
    found: set[str] = set()
    todo: list[Any] = [schema]
    while todo:
        node = todo.pop()
        if isinstance(node, dict):
            found.update(node.get("properties") or ())
            todo += node.values()
        elif isinstance(node, list):
            todo += node
    return frozenset(found)

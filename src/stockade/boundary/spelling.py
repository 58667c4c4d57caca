"""How a strict model reads what JSON has no form of its own for: dates, UUIDs, enums, tuples, sets.

Pydantic's strict mode takes a date from the *string* in JSON text, but only from a `date` object
in Python data. FastAPI parses the body first and validates Python data, so plain `strict=True`
would refuse every date; lax mode would take more than the contract says (0 and "1577836800" are
dates to it, `true` is the number 1). `admit_spellings` takes the one standard spelling of such a
type, a string, besides an object of the type itself, and leaves every other type strict.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, LiteralString

from pydantic import GetCoreSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

__all__ = ["admit_spellings"]

# RFC 3339 for times and dates, RFC 9562 for UUIDs, ISO 8601 for durations. Pydantic then checks the
# value; these keep out the other spellings that its parsers know (seconds since the epoch, braces).
_SPELLINGS: Mapping[str, tuple[re.Pattern[str], LiteralString]] = {
    "date": (re.compile(r"\d{4}-\d\d-\d\d\Z", re.ASCII), "Expected a date such as 2026-01-31."),
    "time": (re.compile(r"\d\d:\d\d", re.ASCII), "Expected a time such as 13:45:00."),
    "datetime": (
        re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d", re.ASCII),
        "Expected a date and time such as 2026-01-31T13:45:00Z.",
    ),
    "timedelta": (re.compile(r"[-+]?P", re.ASCII), "Expected a duration such as PT15M."),
    "uuid": (
        re.compile(r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}\Z"),
        "Expected a UUID of 36 characters.",
    ),
    "decimal": (
        re.compile(r"-?\d+(?:\.\d+)?\Z", re.ASCII),
        "Expected a decimal number such as 12.50.",
    ),
}
_NUMBERS: Mapping[str, tuple[type, ...]] = {"decimal": (int, float)}
_CONTAINERS = frozenset({"tuple", "set", "frozenset"})
_INSIDE = frozenset(
    {
        "schema",
        "items_schema",
        "keys_schema",
        "values_schema",
        "choices",
        "fields",
        "steps",
        "lax_schema",
        "strict_schema",
        "json_schema",
        "python_schema",
    }
)


class _Spelling:
    """Refuses text that is not the type's standard spelling; other objects pass on to the type."""

    def __init__(self, kind: str) -> None:
        self.pattern = _SPELLINGS[kind][0]
        self.expected: LiteralString = _SPELLINGS[kind][1]
        self.numbers = _NUMBERS.get(kind, ())

    def __call__(self, value: object) -> object:
        if isinstance(value, str):
            if self.pattern.match(value):
                return value
        elif type(value) in self.numbers or not isinstance(value, (bytes, int, float)):
            return value
        raise PydanticCustomError("stockade.spelling", self.expected)


def _no_boolean(value: object) -> object:
    # `True` equals 1 and would find the member 1.
    if isinstance(value, bool):
        raise PydanticCustomError("stockade.spelling", "Expected one of the declared values.")
    return value


def _no_bytearray(value: object) -> object:
    if isinstance(value, bytearray):
        raise PydanticCustomError("stockade.spelling", "Expected text.")
    return value


def admit_spellings(schema: Any, handler: GetCoreSchemaHandler) -> Any:
    """`schema`, with the standard spellings admitted wherever its own fields need them.

    It does not descend into other models: each sees to its own fields.
    """
    if isinstance(schema, tuple):  # a choice of a union, with its label
        return (admit_spellings(schema[0], handler), *schema[1:])
    if isinstance(schema, list):
        return [admit_spellings(member, handler) for member in schema]
    if schema["type"] == "definition-ref":
        target: dict[str, Any] = dict(handler.resolve_ref_schema(schema))
        if target["type"] != "enum":
            return schema
        del target["ref"]
        schema = target
    if schema["type"] == "model" or _is_ours(schema):
        return schema
    return _leaf(schema) or _descend(schema, handler)


def _leaf(schema: dict[str, Any]) -> Any:
    kind = schema["type"]
    if kind in _SPELLINGS:
        return _before(_Spelling(kind), schema)
    if kind == "enum":
        return _before(_no_boolean, schema)
    if kind == "bytes":
        return _before(_no_bytearray, schema)
    if kind == "json-or-python" and schema["python_schema"]["type"] == "is-instance":
        python = core_schema.union_schema(
            [schema["python_schema"], schema["json_schema"]],
            custom_error_type="stockade.spelling",
            custom_error_message="This is not the standard spelling of the declared type.",
        )
        return {**schema, "python_schema": python}
    return None


def _descend(schema: dict[str, Any], handler: GetCoreSchemaHandler) -> dict[str, Any]:
    changed = dict(schema)
    if schema["type"] in _CONTAINERS:
        changed["strict"] = False
    for key in _INSIDE & changed.keys():
        inside = changed[key]
        if key in ("fields", "choices") and isinstance(inside, dict):
            changed[key] = {name: admit_spellings(one, handler) for name, one in inside.items()}
        elif isinstance(inside, (dict, list)):
            changed[key] = admit_spellings(inside, handler)
    return changed


def _before(check: Callable[[object], object], schema: dict[str, Any]) -> Any:
    inner: Any = {**schema, "strict": False}
    return core_schema.no_info_before_validator_function(check, inner)


def _is_ours(schema: Mapping[str, Any]) -> bool:
    if schema["type"] != "function-before":
        return False
    function = schema["function"]["function"]
    return isinstance(function, _Spelling) or function in (_no_boolean, _no_bytearray)

"""What a client and an event learn of a refused input: which declared field, and what it should be.

Never the value, and never a name that the client chose: an undeclared field is "an undeclared
field", a key of a free-form mapping is `*`. Pointers are RFC 6901, prefixed by the place that
FastAPI names (`/body/name`, `/query/page`); messages are constants, filled in only with what the
declaration says (ASVS 5.0 V16.2.5, V16.5.1; CWE-209).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar, get_origin

from pydantic import BaseModel, ValidationError

from stockade.boundary.bodies.form import read_form
from stockade.boundary.bodies.refusal import reported
from stockade.boundary.body import check_body
from stockade.core.bus import emit
from stockade.core.errors import FieldProblem, Rejected
from stockade.core.events import Outcome
from stockade.core.secret import fingerprint

__all__ = ["rejection", "validate", "validate_form", "validate_json", "validate_lines"]

M = TypeVar("M", bound=BaseModel)

MAX_PROBLEMS = 20
_DETAIL = "The input does not match what is declared here."
_PLACES = frozenset({"body", "query", "path", "header", "cookie"})
_MESSAGES = {
    "missing": "This field is required.",
    "extra_forbidden": "This holds a field that is not declared.",
    "json_invalid": "The body is not JSON.",
    "string_type": "Expected text.",
    "string_too_long": "Expected at most {max_length} characters.",
    "string_too_short": "Expected at least {min_length} characters.",
    "string_pattern_mismatch": "The text does not have the declared form.",
    "string_unicode": "Expected Unicode text without lone surrogates.",
    "bytes_too_long": "Expected at most {max_length} bytes.",
    "bytes_too_short": "Expected at least {min_length} bytes.",
    "int_type": "Expected a whole number.",
    "int_parsing": "Expected a whole number.",
    "int_parsing_size": "Expected a smaller number.",
    "int_from_float": "Expected a whole number.",
    "float_type": "Expected a number.",
    "float_parsing": "Expected a number.",
    "finite_number": "Expected a finite number.",
    "decimal_parsing": "Expected a decimal number.",
    "bool_type": "Expected true or false.",
    "bool_parsing": "Expected true or false.",
    "none_required": "Expected null.",
    "greater_than": "Expected more than {gt}.",
    "greater_than_equal": "Expected {ge} or more.",
    "less_than": "Expected less than {lt}.",
    "less_than_equal": "Expected {le} or less.",
    "multiple_of": "Expected a multiple of {multiple_of}.",
    "too_long": "The length may be at most {max_length}.",
    "too_short": "The length must be at least {min_length}.",
    "list_type": "Expected an array.",
    "tuple_type": "Expected an array.",
    "set_type": "Expected an array.",
    "frozen_set_type": "Expected an array.",
    "dict_type": "Expected an object.",
    "model_type": "Expected an object.",
    "model_attributes_type": "Expected an object.",
    "literal_error": "Expected one of: {expected}.",
    "enum": "Expected one of: {expected}.",
    "date_from_datetime_parsing": "Expected a date such as 2026-01-31.",
    "date_parsing": "Expected a date such as 2026-01-31.",
    "datetime_from_date_parsing": "Expected a date and time such as 2026-01-31T13:45:00Z.",
    "datetime_parsing": "Expected a date and time such as 2026-01-31T13:45:00Z.",
    "timezone_aware": "Expected a time with its zone, such as 2026-01-31T13:45:00Z.",
    "date_past": "Expected a date in the past.",
    "date_future": "Expected a date in the future.",
    "uuid_parsing": "Expected a UUID of 36 characters.",
    "url_parsing": "Expected a URL.",
    "url_type": "Expected a URL.",
    "url_scheme": "Expected a URL of the scheme {expected_schemes}.",
    "url_too_long": "Expected a shorter URL.",
}
_OTHER = "This value is not admitted here."

_LISTS = (list, tuple, set, frozenset)
_DISCRETE = frozenset(("enum", "literal_error", "union_tag_invalid"))
"""Kinds of errors of values that are none of those offered."""

_declared: set[str] = set()


def rejection(errors: Iterable[Mapping[str, Any]], *, place: str = "") -> Rejected:
    """The `Rejected` (422) for Pydantic's or FastAPI's `.errors()`, and the event that tells of it.

    `place` is put before each location (`body`) where the locations do not name theirs. At most
    `MAX_PROBLEMS` fields are listed; the event counts them all. The caller raises what it gets.
    """
    problems: dict[FieldProblem, None] = {}
    values: list[dict[str, str | int]] = []
    names: set[str] | None = None
    kinds: set[str] = set()
    count = 0
    for error in errors:
        count += 1
        if len(problems) >= MAX_PROBLEMS:
            continue
        if names is None:
            names = _names(error["loc"])
        kind = str(error["type"])
        kinds.add(kind)
        where = _pointer(error["loc"], kind, place, names)
        problems[FieldProblem(where, _message(kind, error))] = None
        values += _traces(where, kind, error.get("input"))
    listed = tuple(problems)
    emit(
        _name(kinds),
        Outcome.BLOCKED,
        "boundary",
        _DETAIL,
        rule="boundary.contract",
        count=count,
        fields=sorted({problem.pointer for problem in listed}),
        kinds=sorted(kinds),
        values=values,
    )
    malformed = kinds == {"json_invalid"}
    return Rejected(_DETAIL, status=400 if malformed else 422, errors=listed)


def _name(kinds: set[str]) -> str:
    """The event's name: more is said where all that is wrong is of one sort.

    Only then: a client that has the whole shape wrong is no sign of tampering.
    """
    if kinds == {"extra_forbidden"}:
        return "malicious_extraneous"
    discrete = bool(kinds) and kinds <= _DISCRETE
    return "input_validation_discrete_fail" if discrete else "input_validation_fail"


def _traces(where: str, kind: str, value: object) -> list[dict[str, str | int]]:
    """What an event may tell of a refused value: its length and its keyed fingerprint."""
    if not isinstance(value, (str, bytes)):
        return []  # numbers and booleans are few enough to be guessed from a fingerprint
    return [{"field": where, "rule": kind, "length": len(value), "value": fingerprint(value)}]


def validate(model: type[M], data: object, *, place: str = "") -> M:
    """`data` (Python objects) as a `model`. Raises Rejected, which is an event too."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        refused = rejection(_errors(error), place=place)
    raise refused


def validate_json(model: type[M], body: bytes, *, max_depth: int = 64) -> M:
    """JSON text as a `model`, the bytes checked first: for queues, files. Raises Rejected."""
    with reported():
        check_body("application/json", body, max_depth=max_depth)
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        refused = rejection(_errors(error), place="body")
    raise refused


def validate_lines(model: type[M], body: bytes, *, max_depth: int = 64) -> list[M]:
    """Newline-delimited JSON as models; fields are told as `/body/<line from 0>/…`.

    Raises Rejected for the first line that does not match, which is an event too.
    """
    with reported():
        check_body("application/x-ndjson", body, max_depth=max_depth)
    found: list[M] = []
    for number, line in enumerate(body.removesuffix(b"\n").split(b"\n") if body else ()):
        try:
            found.append(model.model_validate_json(line))
        except ValidationError as error:
            refused = rejection(_errors(error), place=f"body/{number}")
            break
    else:
        return found
    raise refused


def validate_form(
    model: type[M], body: bytes, *, max_fields: int = 1_000, max_field_bytes: int = 1 << 20
) -> M:
    """A urlencoded form as a `model` (a `Parameters`, for all its values are text).

    A name that comes more than once is a list, and so refused where one value is declared. Raises
    Rejected, which is an event too.
    """
    with reported():
        pairs = read_form(body, max_fields, max_field_bytes)
    lists = {
        field.validation_alias if isinstance(field.validation_alias, str) else name
        for name, field in model.model_fields.items()
        if get_origin(field.annotation) in _LISTS
    }
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return validate(
        model,
        {
            name: each[0] if len(each) == 1 and name not in lists else each
            for name, each in values.items()
        },
        place="body",
    )


def _errors(error: ValidationError) -> Sequence[Mapping[str, Any]]:
    return error.errors(include_url=False)


def _message(kind: str, error: Mapping[str, Any]) -> str:
    if kind.startswith("stockade."):  # our own types' messages are constants
        return str(error["msg"])
    template = _MESSAGES.get(kind)
    if template is None:
        # A validator of the application may have put the value into its message.
        return _OTHER
    try:
        return template.format_map(error.get("ctx") or {})
    except KeyError:
        return _OTHER


def _pointer(location: Sequence[str | int], kind: str, place: str, names: set[str]) -> str:
    steps = list(location[:-1] if kind == "extra_forbidden" else location)
    if kind == "json_invalid":
        steps = steps[:1]
    given = bool(steps) and not place and steps[0] in _PLACES
    tokens = [place] if place else []
    for position, step in enumerate(steps):
        if isinstance(step, int):
            tokens.append(str(step))
        elif given and position < 2:
            # The place, and a parameter that the route declares: FastAPI names no other there,
            # except inside a body.
            known = position == 0 or steps[0] != "body" or step in names
            tokens.append(_escape(step) if known else "*")
        else:
            tokens.append(_escape(step) if step in names else "*")
    return "".join("/" + token for token in tokens)


def _escape(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")


def _names(location: Sequence[str | int]) -> set[str]:
    """Names that some model declares; classes are walked again only for a name not seen before."""
    if not all(step in _declared for step in location if isinstance(step, str)):
        todo: list[type[BaseModel]] = [BaseModel]
        while todo:
            model = todo.pop()
            todo.extend(model.__subclasses__())
            for name, field in model.model_fields.items():
                _declared.add(name)
                if isinstance(field.alias, str):
                    _declared.add(field.alias)
                if isinstance(field.validation_alias, str):
                    _declared.add(field.validation_alias)
    return _declared

"""Values that the application changes before it uses them: the shared table, read by Flask."""

from __future__ import annotations

from collections.abc import Callable

from flask import request
from flask.typing import ResponseReturnValue

from examples.range.changes import CHANGES, Change
from examples.range.endpoints import FORM, JSON, MULTIPART, Field
from examples.range.flask.routing import Section

__all__ = ["section"]

section = Section("changed", __name__)


def value_of(field: Field) -> str:
    """What the request brings for a field. Errors: ValueError for JSON of another type."""
    match field.place:
        case "query":
            return request.args[field.name]
        case "header":
            return request.headers[field.name]
        case "cookie":
            return request.cookies[field.name]
        case "path":
            return str((request.view_args or {})[field.name])
        case place if place in (FORM, MULTIPART):
            return request.form[field.name]
        case place:
            assert place == JSON
            value = request.get_json()[field.name]
            if not isinstance(value, str):
                raise ValueError("a text was expected")
            return value


def view(change: Change, kind: str) -> Callable[..., ResponseReturnValue]:
    """The view of one endpoint."""

    def changed(**_: str) -> ResponseReturnValue:
        return change.answer(kind, [value_of(field) for field in change.fields])

    changed.__name__ = f"{kind}_{change.sink.family}_{change.name.replace('-', '_')}"
    return changed


for change in CHANGES:
    method = "GET" if "/" not in change.fields[0].place else "POST"
    for kind in ("weak", "safe"):
        section.describe(method, change.route(kind), *change.fields)(view(change, kind))

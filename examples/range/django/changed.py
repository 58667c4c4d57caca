"""Values that the application changes before it uses them: the shared table, read by Django."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpResponseBase

from examples.range.changes import CHANGES, Change
from examples.range.django.routing import Request, Section, answer, body
from examples.range.endpoints import FORM, JSON, MULTIPART, Field

__all__ = ["section"]

section = Section()


def value_of(request: Request, field: Field, given: dict[str, str]) -> str:
    """What the request brings for a field. Errors: ValueError for JSON of another type."""
    match field.place:
        case "query":
            return str(request.GET[field.name])
        case "header":
            return str(request.headers[field.name])
        case "cookie":
            return str(request.COOKIES[field.name])
        case "path":
            return given[field.name]
        case place if place in (FORM, MULTIPART):
            return str(request.POST[field.name])
        case place:
            assert place == JSON
            value = body(request)[field.name]
            if not isinstance(value, str):
                raise ValueError("a text was expected")
            return value


def view(change: Change, kind: str) -> Callable[..., HttpResponseBase]:
    """The view of one endpoint."""

    def changed(request: Request, **given: str) -> HttpResponseBase:
        values = [value_of(request, field, given) for field in change.fields]
        return answer(change.answer(kind, values))

    changed.__name__ = f"{kind}_{change.sink.family}_{change.name.replace('-', '_')}"
    return changed


for change in CHANGES:
    method = "GET" if "/" not in change.fields[0].place else "POST"
    for kind in ("weak", "safe"):
        section.describe(method, change.route(kind), *change.fields)(view(change, kind))

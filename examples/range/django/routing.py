"""Views that say what they take, and the routes and the description made of that."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeAlias, TypeVar

from django.http import HttpResponseBase, HttpResponseNotAllowed, JsonResponse
from django.urls import path

from examples.range.endpoints import Endpoint, Field

__all__ = ["Request", "Routed", "Section", "answer", "body", "urls"]

Request: TypeAlias = Any
"""A `django.http.HttpRequest`: Django says nothing of types that a checker could use."""

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


class Routed(NamedTuple):
    """An endpoint and its view."""

    endpoint: Endpoint
    view: Callable[..., HttpResponseBase]


class Section(list[Routed]):
    """The endpoints of one sink."""

    def describe(
        self, method: str, route: str, *fields: Field, out_of_reach: str = "", followed_by: str = ""
    ) -> Callable[[View], View]:
        """Route `method` and `route` to a view that reads `fields`."""

        def add(view: View) -> View:
            name: Any = view.__name__
            summary = (view.__doc__ or "").partition("\n")[0]
            endpoint = Endpoint(method, route, fields, name, summary, out_of_reach, followed_by)
            self.append(Routed(endpoint, view))
            return view

        return add


def answer(value: Any, status: int = 200) -> JsonResponse:
    """Anything as JSON."""
    return JsonResponse(value, status=status, safe=False)


def body(request: Request) -> dict[str, Any]:
    """The JSON object of a request. Errors: ValueError."""
    document = json.loads(request.body)
    if not isinstance(document, dict):
        raise ValueError("an object was expected")
    return document


def urls(routed: Iterable[Routed]) -> list[Any]:
    """One pattern an endpoint."""
    return [path(each.endpoint.route[1:], _only(each)) for each in routed]


def _only(each: Routed) -> Callable[..., HttpResponseBase]:
    method = each.endpoint.method

    def view(request: Request, **given: str) -> HttpResponseBase:
        if request.method != method:
            return HttpResponseNotAllowed([method])
        return each.view(request, **given)

    view.__name__ = each.endpoint.id
    return view

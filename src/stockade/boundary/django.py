"""Django: views that declare what they accept.

    from stockade.boundary.django import accepts

    @accepts(body=NewPatient)
    def create(request: HttpRequest, body: NewPatient) -> HttpResponse: ...

    class Search(View):
        @accepts(query=PatientQuery)
        async def get(self, request: HttpRequest, query: PatientQuery) -> HttpResponse: ...

The view gets the models by the names `body`, `query` and `form`, beside what the route gives it.
What does not match raises Rejected, an event, which a protected application answers with a problem
document. `accepted` says what exactly is refused. Django reads multipart forms of POST only.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any, TypeVar

from stockade.boundary.accepted import MAX_FIELD_BYTES, MAX_FIELDS, Contract, held_to
from stockade.boundary.bodies.form import read_form
from stockade.boundary.bodies.media_type import media_type
from stockade.boundary.bodies.refusal import refuse, reported
from stockade.boundary.model import Model, Parameters

try:
    from django.http import HttpRequest, RawPostDataException
except ImportError:
    raise ImportError(
        'this needs Django, which is not installed: pip install "stockade[django]"'
    ) from None

__all__ = ["accepts"]

R = TypeVar("R")


def accepts(
    *,
    body: type[Model] | None = None,
    query: type[Parameters] | None = None,
    form: type[Parameters] | None = None,
    files: Collection[str] = (),
) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Hold a view, sync or async, or a method of a View, to what it declares.

    `body` is JSON, `form` a urlencoded or multipart form, `files` the names of its files, which the
    view reads from `request.FILES`. Raises TypeError, when the view is defined, for a declaration
    that cannot be kept.
    """
    contract = Contract(body=body, query=query, form=form, files=files)

    def declare(view: Callable[..., R]) -> Callable[..., R]:
        return held_to(contract, view, _incoming)

    return declare


def _incoming(args: tuple[Any, ...]) -> _Request:
    for argument in args[:2]:  # before it stands at most `self`
        request = getattr(argument, "_request", argument)  # REST framework's holds Django's
        if isinstance(request, HttpRequest):
            return _Request(request)
    raise TypeError("accepts() is for views: the first argument has to be the request")


class _Request:
    """A request of Django's, over WSGI or ASGI."""

    def __init__(self, request: Any) -> None:
        self._request = request
        self.content_type: str = request.META.get("CONTENT_TYPE", "")
        self.query: bytes = request.META.get("QUERY_STRING", "").encode("latin-1", "replace")

    def has_body(self) -> bool:
        try:
            return bool(self._request.body)
        except RawPostDataException:  # a multipart form, which has been read by now
            return True

    def body(self) -> bytes:
        with reported():
            try:
                body: bytes = self._request.body
            except RawPostDataException:
                refuse("type", "This address takes JSON only.", 415)
        return body

    def fields(self) -> Iterable[tuple[str, str]]:
        if self._is_multipart():
            lists = self._request.POST.lists()
            return [(name, value) for name, values in lists for value in values]
        with reported():
            return read_form(self._request.body, MAX_FIELDS, MAX_FIELD_BYTES)

    def files(self) -> Iterable[str]:
        names: Iterable[str] = self._request.FILES.keys() if self._is_multipart() else ()
        return names

    def _is_multipart(self) -> bool:
        if not self.content_type or media_type(self.content_type).kind != "multipart":
            return False
        if self._request.method != "POST":
            with reported():
                refuse("type", "A multipart form has to be sent by POST.", 415)
        return True

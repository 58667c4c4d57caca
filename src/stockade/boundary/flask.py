"""Flask: views that declare what they accept.

    from stockade.boundary.flask import accepts

    @app.post("/patients")
    @accepts(body=NewPatient)
    def create(body: NewPatient) -> ResponseReturnValue: ...

    class Search(MethodView):
        @accepts(query=PatientQuery)
        def get(self, query: PatientQuery) -> ResponseReturnValue: ...

The view gets the models by the names `body`, `query` and `form`, beside what the route gives it.
What does not match raises Rejected, an event, which a protected application answers with a problem
document. Async views work as in Flask. `accepted` says what exactly is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any, TypeVar

from stockade.boundary.accepted import Contract, held_to
from stockade.boundary.model import Model, Parameters

try:
    from flask import request
except ImportError:
    raise ImportError(
        'this needs Flask, which is not installed: pip install "stockade[flask]"'
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
    """Hold a view, or a method of a MethodView, to what it declares.

    `body` is JSON, `form` a urlencoded or multipart form, `files` the names of its files, which the
    view reads from `request.files`. Raises TypeError, when the view is defined, for a declaration
    that cannot be kept.
    """
    contract = Contract(body=body, query=query, form=form, files=files)

    def declare(view: Callable[..., R]) -> Callable[..., R]:
        return held_to(contract, view, _Request)

    return declare


class _Request:
    """Flask's current request."""

    def __init__(self, args: tuple[Any, ...]) -> None:
        self.content_type = request.headers.get("content-type", "")
        self.query = request.query_string

    def has_body(self) -> bool:
        # Nothing is read where nothing can be there.
        said = request.content_length or "transfer-encoding" in request.headers
        return bool(said) and bool(request.get_data() or request.form or request.files)

    def body(self) -> bytes:
        return request.get_data()

    def fields(self) -> Iterable[tuple[str, str]]:
        return request.form.items(multi=True)

    def files(self) -> Iterable[str]:
        return request.files.keys()

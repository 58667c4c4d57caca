"""Values that the application changes before it uses them: the shared table, read by FastAPI."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Body, Cookie, Form, Header, Path, Query

from examples.range.changes import CHANGES, Change
from examples.range.endpoints import FORM, JSON, MULTIPART, Field

__all__ = ["router"]

router = APIRouter(tags=["changed"])

_PLACES: dict[str, Callable[..., Any]] = {
    "query": Query,
    "header": Header,
    "cookie": Cookie,
    "path": Path,
    FORM: Form,
}


def parameter(field: Field) -> inspect.Parameter:
    """A field as FastAPI wants it declared."""
    if field.place == JSON:
        kind: Any = Body(embed=True, examples=[field.example])
    elif field.place == MULTIPART:
        kind = Form(media_type=MULTIPART, examples=[field.example])
    else:
        kind = _PLACES[field.place](examples=[field.example])
    return inspect.Parameter(
        field.name.replace("-", "_"),
        inspect.Parameter.KEYWORD_ONLY,
        annotation=Annotated[str, kind],
    )


def endpoint(change: Change, kind: str) -> Callable[..., Any]:
    """The function behind one route; FastAPI reads its signature."""

    def changed(**values: str) -> Any:
        return change.answer(kind, list(values.values()))

    changed.__signature__ = inspect.Signature([parameter(each) for each in change.fields])  # type: ignore[attr-defined]
    changed.__name__ = f"{kind}_{change.sink.family}_{change.name.replace('-', '_')}"
    return changed


for change in CHANGES:
    method = "GET" if "/" not in change.fields[0].place else "POST"
    for kind in ("weak", "safe"):
        route = change.route(kind).replace("<", "{").replace(">", "}")
        router.add_api_route(route, endpoint(change, kind), methods=[method])

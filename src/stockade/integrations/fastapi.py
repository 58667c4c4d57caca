"""FastAPI and Starlette: the guard becomes the outermost layer of the application's own stack.

The stack is wrapped where it is built, so that `protect` may stand before or after the routes, and
routes, handlers and applications that are mounted later are guarded as well. What nobody answers
otherwise (refusals, failed validations, 404, 405, exceptions) becomes a problem document that
echoes nothing; the OpenAPI document tells of it. A handler of the application's own always wins.

Out of reach: an application that has served before it is protected keeps the handlers it had, and
what a plain ASGI application mounted in this one answers is its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stockade.core.config import Settings
from stockade.core.head import Door
from stockade.integrations import health, openapi
from stockade.integrations.asgi import Guard
from stockade.integrations.exchange import BodyCheck
from stockade.integrations.starlette_errors import (
    Translate,
    answer_errors,
    mounted_in,
    watch_crashes,
)

if TYPE_CHECKING:
    from starlette.applications import Starlette

__all__ = ["Translate", "protect"]


def protect(
    app: Starlette,
    settings: Settings,
    check_body: BodyCheck,
    translate: Translate,
    door: Door | None = None,
) -> None:
    """Guard `app` in place."""
    _answer_where_built(app, translate, blocks=settings.defence.mode == "block")
    build = app.build_middleware_stack

    def build_guarded() -> Any:
        return health.asgi(Guard(build(), settings, check_body, door), settings)

    app.build_middleware_stack = build_guarded  # type: ignore[method-assign]
    if app.middleware_stack is not None:
        guard = Guard(app.middleware_stack, settings, check_body, door)
        app.middleware_stack = health.asgi(guard, settings)


def _answer_where_built(app: Starlette, translate: Translate, *, blocks: bool) -> None:
    """Let `app`, and what is mounted in it, answer errors and tell of exceptions once it serves."""
    build = app.build_middleware_stack

    def build_answering() -> Any:
        if blocks:
            answer_errors(app, translate)
        for inner in mounted_in(app):
            if inner.middleware_stack is None:
                _answer_where_built(inner, translate, blocks=blocks)
        stack = build()
        watch_crashes(stack, documents=blocks)
        return stack

    app.build_middleware_stack = build_answering  # type: ignore[method-assign]
    if blocks:
        openapi.describe(app)

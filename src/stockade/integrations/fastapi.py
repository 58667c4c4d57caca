"""FastAPI and Starlette: the guard becomes the outermost layer of the application's own stack.

The stack is wrapped where it is built, so that `protect` may stand before or after the routes, and
routes added later are guarded as well. Refusals that the framework makes itself (422, and 400 for a
body that it cannot read) become problem documents that echo nothing, and events, unless the
application has a handler of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from stockade.core.bus import emit
from stockade.core.config import Settings
from stockade.core.context import current
from stockade.core.errors import Rejected, StockadeError
from stockade.core.events import Outcome
from stockade.integrations import gate
from stockade.integrations.asgi import Guard
from stockade.integrations.exchange import BodyCheck

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

__all__ = ["Translate", "protect"]

Translate = Callable[[Sequence[Any]], Rejected]
"""Turns the errors of a failed validation into a Rejected, and reports it."""


def protect(
    app: Starlette, settings: Settings, check_body: BodyCheck, translate: Translate
) -> None:
    """Guard `app` in place."""
    build = app.build_middleware_stack

    def build_guarded() -> Any:
        return Guard(build(), settings, check_body)

    app.build_middleware_stack = build_guarded  # type: ignore[method-assign]
    if app.middleware_stack is not None:
        app.middleware_stack = Guard(app.middleware_stack, settings, check_body)
    if settings.defence.mode == "block":
        app.add_exception_handler(StockadeError, _on_stockade_error)
        _handle_validation(app, translate)
        _handle_unreadable_body(app)


async def _on_stockade_error(request: Request, error: Exception) -> Response:
    """Answer with the error's problem document; a fault of the service stays a fault."""
    from starlette.responses import Response

    if not isinstance(error, StockadeError):
        raise error
    problem = error.problem()
    if problem.status >= 500:
        raise error
    context = current()
    if context is not None:
        context.refuse(error)
    status, headers, body = gate.answer(problem, context.id if context is not None else "")
    response = Response(body, status)
    response.raw_headers = headers
    return response


def _handle_validation(app: Starlette, translate: Translate) -> None:
    try:
        from fastapi.exception_handlers import request_validation_exception_handler
        from fastapi.exceptions import RequestValidationError
    except ImportError:
        return  # Starlette without FastAPI validates nothing itself
    if (
        app.exception_handlers.get(RequestValidationError)
        is not request_validation_exception_handler
    ):
        return

    async def on_validation_error(request: Request, error: Exception) -> Response:
        errors = error.errors() if isinstance(error, RequestValidationError) else ()
        return await _on_stockade_error(request, translate(errors))

    app.add_exception_handler(RequestValidationError, on_validation_error)


def _handle_unreadable_body(app: Starlette) -> None:
    try:
        from fastapi.exception_handlers import http_exception_handler
        from starlette.exceptions import HTTPException
    except ImportError:
        return
    if app.exception_handlers.get(HTTPException) is not http_exception_handler:
        return

    async def on_http_exception(request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        if error.status_code == 400 and _is_about_the_body(error):
            detail = "The form cannot be read: it is malformed, or holds too many parts."
            emit("input_validation_fail", Outcome.BLOCKED, "boundary", detail, rule="body.form")
            unreadable = Rejected(detail, status=400, kind="malformed", rule="body.form")
            return await _on_stockade_error(request, unreadable)
        return await http_exception_handler(request, error)

    app.add_exception_handler(HTTPException, on_http_exception)


def _is_about_the_body(error: BaseException) -> bool:
    """Whether the framework's parser of forms raised what `error` stands for."""
    from starlette.formparsers import MultiPartException

    cause = error.__cause__ or error.__context__
    return isinstance(cause, MultiPartException)

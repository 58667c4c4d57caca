"""FastAPI and Starlette: answers to errors for which the application has no handler of its own.

Installed where the stack is built, when every handler of the application is known, and in the
applications that are mounted in it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from stockade.core.bus import emit
from stockade.core.context import current
from stockade.core.errors import Problem, Rejected, StockadeError
from stockade.core.events import Outcome
from stockade.integrations import error_documents, gate
from stockade.integrations.asgi_exchange import AsgiExchange

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.requests import Request
    from starlette.responses import Response

__all__ = ["Translate", "answer_errors", "answered", "mounted_in", "watch_crashes"]

Translate = Callable[[Sequence[Any]], Rejected]
"""Turns the errors of a failed validation into a Rejected, and reports it."""

_TOLD = "stockade.crash_told"


def answer_errors(app: Starlette, translate: Translate) -> None:
    """Answer refusals, failed validations and HTTP errors, where `app` has no handler for them."""
    from starlette.exceptions import HTTPException

    handlers, defaults = app.exception_handlers, _default_handlers(app)
    handlers.setdefault(StockadeError, _on_stockade_error)
    for kind, default in defaults.items():
        if handlers.get(kind) is not default:
            continue  # the application's own
        if kind is HTTPException:
            handlers[kind] = _on_http_exception
        else:
            handlers[kind] = _validation_handler(translate)


def _default_handlers(app: Starlette) -> dict[Any, Any]:
    """What the framework of `app` itself handles, and how; None: by its middleware."""
    from starlette.exceptions import HTTPException

    try:
        from fastapi import FastAPI
        from fastapi.exception_handlers import (
            http_exception_handler,
            request_validation_exception_handler,
        )
        from fastapi.exceptions import RequestValidationError
    except ImportError:
        return {HTTPException: None}
    if not isinstance(app, FastAPI):
        return {HTTPException: None}  # Starlette validates nothing itself
    return {
        HTTPException: http_exception_handler,
        RequestValidationError: request_validation_exception_handler,
    }


def answered(app: Starlette) -> set[str]:
    """Which errors are, or will be, problem documents: `validation`, `http`, `crash`."""
    from starlette.exceptions import HTTPException

    handlers = app.exception_handlers
    found = set() if Exception in handlers or 500 in handlers else {"crash"}
    for kind, default in _default_handlers(app).items():
        handler = handlers.get(kind)
        if handler is default or getattr(handler, "__module__", "") == __name__:
            found.add("http" if kind is HTTPException else "validation")
    return found


def mounted_in(app: Any) -> Iterator[Starlette]:
    """The Starlette applications that are mounted in `app` and are not protected themselves."""
    from starlette.applications import Starlette

    for route in app.routes:
        inner = getattr(route, "_base_app", getattr(route, "app", None))
        if isinstance(inner, Starlette):
            if getattr(inner, "stockade", None) is None:
                yield inner
        elif hasattr(inner, "routes"):
            yield from mounted_in(inner)


def watch_crashes(stack: Any, *, documents: bool) -> None:
    """Tell of every exception that reaches the outermost layer of a stack, where it is Starlette's.

    The layer answers and raises it on, for the server to log. With `documents` the answer is a
    problem document, unless the application has a handler of its own or runs in debug mode.
    """
    from starlette.middleware.errors import ServerErrorMiddleware

    if not isinstance(stack, ServerErrorMiddleware):
        return
    own: Any = stack.handler
    show = stack.debug_response

    async def answer(request: Request, error: Exception) -> Response:
        _tell(error)
        if documents:
            return _response(error_documents.crash_problem(error))
        return stack.error_response(request, error)

    async def answer_async(request: Request, error: Exception) -> Any:
        _tell(error)
        return await own(request, error)

    def answer_sync(request: Request, error: Exception) -> Any:
        _tell(error)
        return own(request, error)

    def debug_response(request: Request, exc: Exception) -> Response:
        _tell(exc)
        return show(request, exc)

    if own is None:
        stack.handler = answer
    else:
        stack.handler = answer_async if _is_async(own) else answer_sync
    stack.debug_response = debug_response  # type: ignore[method-assign]


def _is_async(handler: Any) -> bool:
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(
        getattr(handler, "__call__", None)  # noqa: B004  its kind matters, not whether it is there
    )


def _tell(error: Exception) -> None:
    """Once a request: each application that is mounted in another raises the exception on."""
    exchange = current()
    if isinstance(exchange, AsgiExchange):
        if exchange.scope.get(_TOLD):
            return
        exchange.scope[_TOLD] = True
    error_documents.tell_crash(error)


def _response(problem: Problem, own: Sequence[tuple[bytes, bytes]] = ()) -> Response:
    from starlette.responses import Response

    status, headers, body = error_documents.answer(problem, own)
    response = Response(body, status)
    response.raw_headers = headers
    return response


async def _on_stockade_error(request: Request, error: Exception) -> Response:
    """Answer with the error's problem document; a fault of the service stays a fault."""
    if not isinstance(error, StockadeError):
        raise error
    problem = error.problem()
    if problem.status >= 500:
        raise error
    context = current()
    if context is not None:
        context.refuse(error)
    return _response(problem)


def _validation_handler(translate: Translate) -> Any:
    async def on_validation_error(request: Request, error: Exception) -> Response:
        errors: Sequence[Any] = getattr(error, "errors", tuple)()
        return await _on_stockade_error(request, translate(errors))

    return on_validation_error


async def _on_http_exception(request: Request, error: Exception) -> Response:
    from starlette.exceptions import HTTPException

    if not isinstance(error, HTTPException):
        raise error
    rule = _unread(error)
    if error.status_code == 400 and rule:
        detail = "The body cannot be read: it is malformed, encoded, or holds too many parts."
        emit("input_validation_fail", Outcome.BLOCKED, "boundary", detail, rule=rule)
        unreadable = Rejected(detail, status=400, kind="malformed", rule=rule)
        return await _on_stockade_error(request, unreadable)
    headers = dict(error.headers or {})
    if error.status_code == 405 and "Allow" in headers:
        headers["Allow"] = _allowed(request, headers["Allow"])
    own = [(name.lower().encode("latin-1"), headers[name].encode("latin-1")) for name in headers]
    is_own_document = any(name == b"content-type" for name, _ in own)
    if error.status_code < 400 or is_own_document or not isinstance(error.detail, str):
        return await _as_the_framework_does(request, error)
    return _response(error_documents.http_problem(error.status_code, error.detail), own)


def _allowed(request: Request, named: str) -> str:
    """What the address takes (RFC 9110, 10.2.1); Starlette names the first route's methods only."""
    from starlette.routing import Host, Match, Mount

    methods = {method.strip() for method in named.split(",")}
    scope = dict(request.scope)
    # What is mounted takes any method to decide later: it has named its own by now.
    routes = [route for route in request.app.routes if not isinstance(route, Mount | Host)]
    for method in gate.METHODS - methods:
        scope["method"] = method
        if any(route.matches(scope)[0] is Match.FULL for route in routes):
            methods.add(method)
    return ", ".join(sorted(methods))


async def _as_the_framework_does(request: Request, error: HTTPException) -> Response:
    from starlette.exceptions import HTTPException
    from starlette.middleware.exceptions import ExceptionMiddleware

    handler = _default_handlers(request.app)[HTTPException]
    if handler is None:
        handler = ExceptionMiddleware(request.app).http_exception
    response: Response = await handler(request, error)
    return response


def _unread(error: BaseException) -> str:
    """The rule that a body broke, if a parser of the framework's raised what `error` tells."""
    from starlette.formparsers import MultiPartException

    cause = error.__cause__ or error.__context__
    if isinstance(cause, MultiPartException):
        return "body.form"
    return "body.encoding" if isinstance(cause, UnicodeError) else ""

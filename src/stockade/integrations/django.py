"""Django: `application = get_wsgi_application()`, or its ASGI twin, guarded in place.

The handler keeps its identity and gets a class of its own, whose `__call__` goes through the guard:
servers, `runserver` and the static files handler find what they expect. Django turns exceptions
into answers inside its chain of middleware; `response_for_exception`, where it does so, answers a
refusal before anything is logged or mailed with the request's values in it; `django_errors` says
what becomes of Django's own error pages.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import cache, partial
from typing import Any, cast

from stockade.core.bus import emit
from stockade.core.config import Settings
from stockade.core.context import current
from stockade.core.errors import Problem, Rejected, StockadeError
from stockade.core.events import Outcome
from stockade.core.head import Door
from stockade.integrations import asgi, django_errors, gate, health, wsgi
from stockade.integrations.asgi_exchange import AsgiExchange
from stockade.integrations.exchange import BodyCheck, Exchange
from stockade.integrations.wsgi_exchange import WsgiExchange
from stockade.integrations.wsgi_request import ROUTE, ROUTED

__all__ = ["protect"]

_UNREADABLE = {
    "MultiPartParserError": "The form cannot be read: it is malformed.",
    "RequestDataTooBig": "The body is too large for this form.",
    "TooManyFieldsSent": "The form holds too many fields.",
    "TooManyFilesSent": "The form holds too many files.",
}
_MALFORMED = {
    name: Rejected(detail, status=400, kind="malformed", rule="body.form")
    for name, detail in _UNREADABLE.items()
}


_answers = False


class Route:
    """What an ASGI framework leaves in the scope: a template as `path`."""

    __slots__ = ("path",)

    def __init__(self, path: str) -> None:
        self.path = path


def protect(
    handler: Any, settings: Settings, check_body: BodyCheck, door: Door | None = None
) -> None:
    """Guard a WSGIHandler or an ASGIHandler in place."""
    from django.core.handlers.asgi import ASGIHandler
    from django.core.handlers.base import BaseHandler

    kind: Any = type(handler)
    call = partial(kind.__call__, handler)
    if issubclass(kind, ASGIHandler):
        guard = asgi.Guard(call, settings, check_body, door)
        handler._stockade_guard = health.asgi(guard, settings)
        handler.__class__ = _guarded_asgi(kind)
    else:
        handler._stockade_guard = health.wsgi(
            wsgi.Guard(call, settings, check_body, door), settings
        )
        handler.__class__ = _guarded_wsgi(kind)
    inner = getattr(handler, "application", None)  # of the static files handler
    if isinstance(inner, BaseHandler):
        inner.__class__ = _guarded(type(inner), None)
    django_errors.watch_crashes()
    if settings.defence.mode == "block":
        _answer_refusals()


@cache
def _guarded_wsgi(kind: Hashable) -> type:
    def call(self: Any, environ: Any, start_response: Any) -> Any:
        return self._stockade_guard(environ, start_response)

    return _guarded(kind, call)


@cache
def _guarded_asgi(kind: Hashable) -> type:
    async def call(self: Any, scope: Any, receive: Any, send: Any) -> None:
        await self._stockade_guard(scope, receive, send)

    return _guarded(kind, call)


def _guarded(kind: Any, call: Any) -> type:
    """`kind` with another `__call__`, if one is given, that tells what routing has found.

    `check_response` sees what a view returned, before any middleware does.

    It still gives `kind` as its class: Django's signals name that as their sender.
    """

    def resolve_request(self: Any, request: Any) -> Any:
        match = kind.resolve_request(self, request)
        _routed("/" + match.route, match.args, match.kwargs)
        return match

    def check_response(self: Any, response: Any, callback: Any, name: Any = None) -> None:
        kind.check_response(self, response, callback, name)
        if getattr(response, "status_code", 0) == 405:
            django_errors.document_not_allowed(response)

    members = {
        "__class__": property(lambda self: kind),
        "__call__": call or kind.__call__,
        "__module__": kind.__module__,
        "__qualname__": kind.__qualname__,
        "check_response": check_response,
        "resolve_request": resolve_request,
    }
    return type(kind.__name__, (kind,), members)


def _routed(template: str, positional: tuple[Any, ...], named: dict[str, Any]) -> None:
    """Tell the request's context what routing has found."""
    exchange = current()
    if isinstance(exchange, WsgiExchange):
        exchange.environ[ROUTE] = template
        exchange.environ[ROUTED] = positional, named
    elif isinstance(exchange, AsgiExchange):
        exchange.scope["route"] = Route(template)
        numbered = {str(number): value for number, value in enumerate(positional)}
        exchange.scope["path_params"] = numbered | named


def _answer_refusals() -> None:
    """Answer refusals where Django turns an exception into a response, once a process."""
    from django.core.handlers import exception

    global _answers
    if _answers:
        return
    _answers, module = True, cast("Any", exception)
    original = module.response_for_exception

    def response_for_exception(request: Any, exc: Exception) -> Any:
        problem = _problem(request, exc)
        if problem is not None:
            return _response(problem)
        return django_errors.in_place_of(original(request, exc), exc)

    module.response_for_exception = response_for_exception


def _problem(request: Any, error: Exception) -> Problem | None:
    """The answer to what the chain raised; None: Django's own."""
    context = current()
    if not isinstance(context, Exchange) or not context.blocks:
        return None
    malformed = _MALFORMED.get(type(error).__name__)
    if malformed is not None and type(error).__module__.startswith("django."):
        # As Django does: reading the form again would only raise again.
        request._mark_post_parse_error()
        emit(
            "input_validation_fail",
            Outcome.BLOCKED,
            "boundary",
            malformed.detail,
            rule=malformed.rule,
        )
        context.refuse(malformed)
    elif isinstance(error, StockadeError) and error.problem().status < 500:
        context.refuse(error)
    return context.refusal


def _response(problem: Problem) -> Any:
    from django.http import HttpResponse

    context = current()
    status, fields, body = gate.answer(problem, context.id if context is not None else "")
    headers = {name.decode(): value.decode("latin-1") for name, value in fields}
    response: Any = HttpResponse(body, status=status, headers=headers)
    # Django would log the path, as the client sent it; the refusal has its own event.
    response._has_been_logged = True
    return response

"""Flask: the guard becomes the outermost layer of `app.wsgi_app`, where Flask wants middleware.

A refusal is answered before Flask's error handlers, its debugger and its log see an exception.
Bodies that Werkzeug cannot read (400, 413, 415) become problem documents that echo nothing, and
events; so do, outside of debug mode, the default pages of other HTTP errors and of exceptions that
nobody handled. A handler of the application's own wins, whenever it is registered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stockade.core.bus import emit
from stockade.core.config import Settings
from stockade.core.context import current
from stockade.core.errors import Problem, Rejected, StockadeError
from stockade.core.events import Outcome
from stockade.core.head import Door
from stockade.integrations import flask_errors, gate, health
from stockade.integrations.exchange import BodyCheck
from stockade.integrations.wsgi import Guard
from stockade.integrations.wsgi_exchange import WsgiExchange
from stockade.integrations.wsgi_request import ROUTE, ROUTED

if TYPE_CHECKING:
    from flask import Flask

__all__ = ["protect"]

_UNREADABLE = {
    400: Rejected("The body cannot be read.", status=400, kind="malformed", rule="body.form"),
    413: Rejected(
        "The body is too large, or holds too many parts.",
        status=413,
        kind="body-size",
        rule="body.parts",
    ),
    415: Rejected(
        "The body is not of a type that is read here.",
        status=415,
        kind="rejected",
        rule="body.type",
    ),
}
_PARSERS = ("werkzeug.", "flask.wrappers")
_NOT_PARSERS = ("werkzeug.exceptions", "werkzeug.datastructures", "werkzeug.routing")


def protect(
    app: Flask, settings: Settings, check_body: BodyCheck, door: Door | None = None
) -> None:
    """Guard `app` in place."""
    guard = Guard(app.wsgi_app, settings, check_body, door)
    app.wsgi_app = health.wsgi(guard, settings)  # type: ignore[method-assign]
    _tell_route(app)
    flask_errors.watch_crashes(app)
    if settings.defence.mode == "block":
        _answer_refusals(app)
        flask_errors.document_errors(app)


def _tell_route(app: Flask) -> None:
    preprocess = app.preprocess_request

    def preprocess_routed() -> Any:
        exchange = current()
        if isinstance(exchange, WsgiExchange):
            environ = exchange.environ
            request = environ.get("werkzeug.request")
            if request is not None and request.url_rule is not None:
                # Flask takes its request out of the environment before the answer is iterated.
                environ[ROUTE] = request.url_rule.rule
                environ[ROUTED] = (), request.view_args
        return preprocess()

    app.preprocess_request = preprocess_routed  # type: ignore[method-assign]


def _answer_refusals(app: Flask) -> None:
    handle = app.handle_user_exception

    def handle_guarded(e: Exception) -> Any:
        problem = _problem(app, e)
        return handle(e) if problem is None else _response(app, problem)

    app.handle_user_exception = handle_guarded  # type: ignore[method-assign]


def _problem(app: Flask, error: Exception) -> Problem | None:
    """The answer to what a view or a parser raised; None: Flask's own."""
    refused: StockadeError | None = None
    if isinstance(error, StockadeError):
        refused = error if error.problem().status < 500 else None
    elif (unreadable := _unreadable(app, error)) is not None:
        refused = unreadable
        emit(
            "input_validation_fail",
            Outcome.BLOCKED,
            "boundary",
            unreadable.detail,
            rule=unreadable.rule,
        )
    context = current()
    if context is None:
        return None if refused is None else refused.problem()
    if refused is not None:
        context.refuse(refused)
    return context.refusal  # of before, whatever the application has made of it


def _unreadable(app: Flask, error: Exception) -> Rejected | None:
    """Whether Werkzeug's parsers raised `error`, and the application has no answer of its own."""
    rejected = _UNREADABLE.get(getattr(error, "code", 0) or 0)
    if rejected is None or not type(error).__module__.startswith("werkzeug."):
        return None
    where = error.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    module = "" if where is None else where.tb_frame.f_globals.get("__name__", "")
    if not module.startswith(_PARSERS) or module.startswith(_NOT_PARSERS):
        return None
    return rejected if flask_errors.own_handler(app, error) is None else None


def _response(app: Flask, problem: Problem) -> Any:
    context = current()
    status, fields, body = gate.answer(problem, context.id if context is not None else "")
    headers = [(name.decode(), value.decode("latin-1")) for name, value in fields]
    return app.response_class(body, status=status, headers=headers)

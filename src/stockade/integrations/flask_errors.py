"""Flask: answers to errors for which the application has no handler, where Flask looks for one.

The default page of an HTTP error becomes a problem document, and an exception that nobody handled
an event. Debug mode, `TRAP_HTTP_EXCEPTIONS`, `TESTING` and `PROPAGATE_EXCEPTIONS` work as before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stockade.integrations import error_documents

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.exceptions import HTTPException

__all__ = ["document_errors", "own_handler", "watch_crashes"]


def own_handler(app: Flask, error: Exception) -> Any:
    """The application's own handler for `error`, registered by now; None where there is none."""
    from flask import request

    return type(app)._find_error_handler(app, error, request.blueprints)


def document_errors(app: Flask) -> None:
    """Answer HTTP errors by problem documents where `app` and its blueprints have no handler."""
    from werkzeug.exceptions import HTTPException

    find = app._find_error_handler

    def find_or_document(e: Exception, blueprints: list[str]) -> Any:
        handler = find(e, blueprints)
        if handler is None and isinstance(e, HTTPException) and _is_plain(app, e):
            return _document
        return handler

    app._find_error_handler = find_or_document  # type: ignore[method-assign]


def watch_crashes(app: Flask) -> None:
    """Tell of every exception that Flask itself calls unhandled."""
    from flask import got_request_exception

    def tell(sender: object, exception: BaseException, **_: Any) -> None:
        error_documents.tell_crash(exception)

    got_request_exception.connect(tell, app, weak=False)


def _is_plain(app: Flask, error: HTTPException) -> bool:
    """Whether the answer would be Werkzeug's own page, outside of any debugging."""
    from werkzeug.exceptions import HTTPException

    kind = type(error)
    description: object = error.description  # some hand over what they want as JSON
    return (
        not app.debug
        and not app.trap_http_exception(error)
        and error.response is None
        and (error.code or 0) >= 400
        and isinstance(description, str | None)
        and kind.get_body is HTTPException.get_body
        and kind.get_description is HTTPException.get_description
        and kind.get_response is HTTPException.get_response
    )


def _document(error: HTTPException) -> Any:
    from flask import current_app

    original = getattr(error, "original_exception", None)
    if original is not None:
        problem = error_documents.crash_problem(original)
    else:
        problem = error_documents.http_problem(error.code or 500, error.description or "")
    own = [(name.lower().encode(), value.encode("latin-1")) for name, value in error.get_headers()]
    status, fields, body = error_documents.answer(problem, own)
    headers = [(name.decode(), value.decode("latin-1")) for name, value in fields]
    return current_app.response_class(body, status=status, headers=headers)

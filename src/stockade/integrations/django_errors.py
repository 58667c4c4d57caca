"""Django: problem documents in the place of its default error pages, outside of debug mode.

Django still logs, mails and sends its signals as before. The application's own pages win: a
`handler404` and the like in the URL configuration, or a template named `404.html` and the like.
Pages that are no default of these five stay what they are, that of a failed CSRF check among them.
"""

from __future__ import annotations

import sys
from typing import Any

from stockade.core.context import current
from stockade.core.errors import Problem
from stockade.integrations import error_documents
from stockade.integrations.exchange import Exchange

__all__ = ["document_not_allowed", "in_place_of", "watch_crashes"]

_PAGES = {
    400: "bad_request",
    403: "permission_denied",
    404: "page_not_found",
    500: "server_error",
}


def in_place_of(page: Any, error: Exception) -> Any:
    """The problem document for `error` if `page` is Django's default answer to it; else `page`."""
    status = _status_of(error)
    if page.status_code != status or not _documents() or not _is_default(status):
        return page
    if status == 500:
        problem = error_documents.crash_problem(error)
    else:
        problem = error_documents.http_problem(status)
    response = _response(problem)
    if getattr(page, "_has_been_logged", False):
        response._has_been_logged = True
    page.close()
    return response


def document_not_allowed(response: Any) -> None:
    """Write the problem document into the empty answer of Django's own views; Allow is kept."""
    from django.http import HttpResponseNotAllowed

    if type(response) is not HttpResponseNotAllowed or response.content or not _documents():
        return
    document = _response(error_documents.http_problem(405))
    response.content = document.content
    for name, value in document.headers.items():
        response.headers[name] = value


def watch_crashes() -> None:
    """Tell of every exception that Django itself calls uncaught, in a guarded request."""
    from django.core.signals import got_request_exception

    got_request_exception.connect(_tell, weak=False, dispatch_uid="stockade.crash")


def _tell(sender: object, **_: Any) -> None:
    error = sys.exc_info()[1]
    if error is not None and isinstance(current(), Exchange):
        error_documents.tell_crash(error)


def _documents() -> bool:
    from django.conf import settings

    context = current()
    return isinstance(context, Exchange) and context.blocks and not settings.DEBUG


def _status_of(error: Exception) -> int:
    """The status of the page that Django answers `error` with."""
    from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
    from django.http import Http404
    from django.http.multipartparser import MultiPartParserError

    if isinstance(error, Http404):
        return 404
    if isinstance(error, PermissionDenied):
        return 403
    is_bad = isinstance(error, MultiPartParserError | BadRequest | SuspiciousOperation)
    return 400 if is_bad else 500


def _is_default(status: int) -> bool:
    from django.template import TemplateDoesNotExist, loader
    from django.urls import get_resolver, get_urlconf
    from django.views import defaults

    view = get_resolver(get_urlconf()).resolve_error_handler(status)
    if view is not getattr(defaults, _PAGES[status]):
        return False
    try:
        loader.get_template(f"{status}.html")
    except TemplateDoesNotExist:
        return True
    return False


def _response(problem: Problem) -> Any:
    from django.http import HttpResponse

    status, fields, body = error_documents.answer(problem)
    headers = {name.decode(): value.decode("latin-1") for name, value in fields}
    return HttpResponse(body, status=status, headers=headers)

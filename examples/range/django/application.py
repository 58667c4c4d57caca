"""The application: every family's endpoints, joined. Django reads `urlpatterns` here."""

import sqlite3
from collections.abc import Callable

from django.core.wsgi import get_wsgi_application
from django.db import Error as DatabaseError
from django.http import HttpResponse, HttpResponseBase, JsonResponse
from django.urls import path as route

from examples.range import data, loopback
from examples.range.django.settings import configure
from examples.range.endpoints import description

__all__ = ["app", "only_on_loopback", "urlpatterns"]

loopback.refuse_to_start_elsewhere()
loopback.watch_in_background()
configure()

from examples.range.django import changed, out_of_reach, path, shell, sql  # noqa: E402
from examples.range.django.routing import Request, answer, urls  # noqa: E402

ROUTED = [
    *(*sql.section, *shell.section, *path.section),
    *(*changed.section, *out_of_reach.section),
]

Next = Callable[[Request], HttpResponseBase]


class only_on_loopback:  # noqa: N801 - Django's settings name it like the function it stands for
    """Weak on purpose, so for this machine only; and what goes wrong as an answer."""

    def __init__(self, get_response: Next) -> None:
        self._get_response = get_response

    def __call__(self, request: Request) -> HttpResponseBase:
        if reason := loopback.refused(request.META):
            return HttpResponse(f"Refused: {reason}\n".encode(), status=403)
        data.create_once()
        return self._get_response(request)

    def process_exception(self, _: Request, error: Exception) -> HttpResponseBase | None:
        """Django asks this for what a view raised."""
        if isinstance(error, DatabaseError | sqlite3.Error):
            return answer({"detail": "the database did not understand"}, 400)
        if isinstance(error, OSError | ValueError | KeyError):
            return answer({"detail": "no such thing"}, 404)
        return None


def openapi(_: Request) -> JsonResponse:
    """What there is to attack."""
    return answer(description("Stockade's range on Django", (each.endpoint for each in ROUTED)))


urlpatterns = [route("openapi.json", openapi), *urls(ROUTED)]
app = get_wsgi_application()

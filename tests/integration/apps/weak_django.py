"""A weak shop on Django in one file: settings, views, both handlers, and `manage.py`."""

import sys
from typing import Any

import django
from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

from tests.integration.apps.weak_django_settings import SETTINGS
from tests.integration.apps.weak_queries import find, prepare, read

prepare()
if not settings.configured:
    own = {"ROOT_URLCONF": __name__, "WSGI_APPLICATION": f"{__name__}.application"}
    settings.configure(**SETTINGS | own)
    django.setup()


def find_item(request: HttpRequest) -> HttpResponse:
    return HttpResponse(find(request.GET["name"]))


def find_through_django(request: HttpRequest) -> HttpResponse:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"SELECT name FROM item WHERE name = '{request.GET['name']}'")
        return HttpResponse(repr(cursor.fetchall()))


async def find_async(request: HttpRequest) -> HttpResponse:
    return HttpResponse(find(request.GET["name"]))


def swallow(request: HttpRequest) -> HttpResponse:
    try:
        return HttpResponse(find(request.GET["name"]))
    except Exception:
        return HttpResponse("all is well")


def reraise(request: HttpRequest) -> HttpResponse:
    try:
        return HttpResponse(find(request.GET["name"]))
    except Exception as error:
        raise ValueError(request.GET["name"]) from error


def item(request: HttpRequest, name: str) -> HttpResponse:
    return HttpResponse(find(name))


def form(request: HttpRequest) -> HttpResponse:
    names = [*request.POST.getlist("name"), *(file.name or "" for file in request.FILES.values())]
    return HttpResponse("".join(map(find, names)))


def read_file(request: HttpRequest) -> HttpResponse:
    return HttpResponse(read(request.GET["file"]))


def stream(request: HttpRequest) -> StreamingHttpResponse:
    def pieces() -> Any:
        yield "first,"
        yield find(request.GET["name"])

    return StreamingHttpResponse(pieces())


def download(request: HttpRequest) -> FileResponse:
    return FileResponse(open("files/a.txt", "rb"))


urlpatterns = [
    path("find", find_item),
    path("through", find_through_django),
    path("async", find_async),
    path("swallow", swallow),
    path("reraise", reraise),
    path("item/<path:name>", item),
    path("form", form),
    path("read", read_file),
    path("stream", stream),
    path("download", download),
]

if __name__ == "__main__":
    from django.core.management import execute_from_command_line

    sys.modules["weak_django"] = sys.modules[__name__]
    from django.core.wsgi import get_wsgi_application

    application = get_wsgi_application()
    execute_from_command_line(sys.argv)
else:
    from django.core.asgi import get_asgi_application
    from django.core.wsgi import get_wsgi_application

    application = get_wsgi_application()
    asgi_application = get_asgi_application()

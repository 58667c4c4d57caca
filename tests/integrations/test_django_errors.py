"""Django: its default error pages become documents; what an application has of its own stays."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx2
import pytest
from werkzeug.test import Client

from stockade.core.events import Event
from tests.integrations.test_django import handler

PROBLEM = "application/problem+json"
SECRET = "hunter2-7f3a"
Answer = tuple[int, dict[str, str], str]


def crash(request: Any) -> Any:
    raise ValueError(SECRET)


async def crash_async(request: Any) -> Any:
    raise ValueError(SECRET)


def busy(request: Any) -> Any:
    from stockade.core.errors import Busy

    raise Busy("full")


def missing(request: Any) -> Any:
    from django.http import Http404

    raise Http404(SECRET)


def forbidden(request: Any) -> Any:
    from django.core.exceptions import PermissionDenied

    raise PermissionDenied(SECRET)


def suspicious(request: Any) -> Any:
    from django.core.exceptions import SuspiciousOperation

    raise SuspiciousOperation(SECRET)


def own_405(request: Any) -> Any:
    from django.http import HttpResponse

    return HttpResponse("own words", status=405)


def own_page(request: Any, *_: Any, **__: Any) -> Any:
    from django.http import HttpResponse

    return HttpResponse("own page", status=404)


@pytest.fixture
def urls(weak: Callable[[str], ModuleType]) -> Iterator[Callable[..., ModuleType]]:
    """`urls(handler404=…)` makes a URL configuration of the views above the process's own."""
    weak("weak_django")
    from django.test.utils import override_settings
    from django.urls import path
    from django.views import View
    from django.views.decorators.http import require_POST

    class OnlyPost(View):  # type: ignore[misc]
        async def post(self, request: Any) -> Any: ...

    patterns = [
        path("crash", crash),
        path("crash-async", crash_async),
        path("busy", busy),
        path("missing", missing),
        path("forbidden", forbidden),
        path("suspicious", suspicious),
        path("only-post", require_POST(crash)),
        path("only-post-class", OnlyPost.as_view()),
        path("own-405", own_405),
    ]
    changed: list[Any] = []

    def make(**members: Any) -> ModuleType:
        module = ModuleType("urls_of_a_test")
        module.__dict__.update(members | {"urlpatterns": patterns})
        settings = override_settings(ROOT_URLCONF=module)
        settings.enable()
        changed.append(settings)
        return module

    yield make
    for settings in reversed(changed):
        settings.disable()


def ask(app: Any, path: str) -> Answer:
    """Status, headers in lower case, body."""
    if type(app).__name__ == "WSGIHandler":
        answer = Client(app).get(path, buffered=True)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return answer.status_code, headers, answer.text

    async def run() -> Answer:
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport) as client:
            got = await client.get("http://shop" + path)
            return got.status_code, dict(got.headers), got.text

    return asyncio.run(run())


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nothing", 404),
        ("/missing", 404),
        ("/forbidden", 403),
        ("/suspicious", 400),
        ("/only-post", 405),
        ("/only-post-class", 405),
        ("/crash", 500),
        ("/crash-async", 500),
        ("/busy", 503),
    ],
)
def test_default_pages_become_documents_with_an_id(
    path: str, status: int, interface: str, urls: Callable[..., ModuleType]
) -> None:
    urls()
    assert ask(handler(interface, guarded=False), path)[1].get("content-type") != PROBLEM
    found, headers, body = ask(handler(interface, guarded=True), path)
    assert (found, headers["content-type"]) == (status, PROBLEM)
    document = json.loads(body)
    assert document["status"] == status
    assert document["instance"].startswith("urn:stockade:request:")
    assert SECRET not in body
    if status == 405:
        assert headers["allow"].startswith("POST")


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
def test_a_crash_is_one_event_with_the_id_that_the_client_was_shown(
    interface: str,
    urls: Callable[..., ModuleType],
    events: list[Event],
    caplog: pytest.LogCaptureFixture,
) -> None:
    urls()
    with caplog.at_level(logging.WARNING, "django.request"):
        _, _, body = ask(handler(interface, guarded=True), "/crash")
    [event] = events
    assert json.loads(body)["instance"].endswith(event.request_id)
    assert (event.name, event.resource) == ("sys_crash", "/crash")
    assert event.details["raised"].startswith(f"{__name__}:crash:")
    assert SECRET not in str(event)
    [record] = caplog.records  # Django's own, once, as before
    assert record.exc_info is not None
    assert SECRET in str(record.exc_info[1])


def test_django_logs_what_is_not_found_as_before(
    urls: Callable[..., ModuleType], caplog: pytest.LogCaptureFixture
) -> None:
    urls()
    with caplog.at_level(logging.WARNING, "django.request"):
        ask(handler("wsgi", guarded=False), "/missing")
        ask(handler("wsgi", guarded=True), "/missing")
    bare, guarded = (record.getMessage() for record in caplog.records)
    assert bare == guarded == "Not Found: /missing"


def test_an_own_handler_wins(urls: Callable[..., ModuleType]) -> None:
    urls(handler404=own_page, handler500=own_page)
    app = handler("wsgi", guarded=True)
    for path in ("/nothing", "/missing", "/crash"):
        assert ask(app, path)[2] == "own page"
    assert ask(app, "/forbidden")[1]["content-type"] == PROBLEM
    assert ask(app, "/own-405")[2] == "own words"


def test_an_own_template_wins(urls: Callable[..., ModuleType], tmp_path: Path) -> None:
    from django.test.utils import override_settings

    (tmp_path / "404.html").write_text("own template")
    engine = {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [str(tmp_path)],
    }
    urls()
    with override_settings(TEMPLATES=[engine]):
        app = handler("wsgi", guarded=True)
        assert ask(app, "/nothing")[2] == "own template"
        assert ask(app, "/crash")[1]["content-type"] == PROBLEM


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
def test_debug_mode_works_as_before(
    interface: str, urls: Callable[..., ModuleType], events: list[Event]
) -> None:
    from django.test.utils import override_settings

    urls()
    with override_settings(DEBUG=True):
        app = handler(interface, guarded=True)
        assert SECRET in ask(app, "/crash")[2]
        assert ask(app, "/nothing")[1]["content-type"].startswith("text/html")
        assert ask(app, "/only-post")[2] == ""
    assert [event.name for event in events] == ["sys_crash"]

"""Django, guarded in place over WSGI and ASGI, its views sync and async."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from werkzeug.test import Client

from stockade.boundary import check_body
from stockade.core.bus import bus
from stockade.core.config import Settings
from stockade.core.context import current
from stockade.core.events import Event
from stockade.integrations.django import protect
from tests.conftest import Switch

Weak = Callable[[str], ModuleType]
ATTACK = "' UNION SELECT secret FROM item -- "
HIDDEN = "the-hidden-price"
Answer = tuple[int, str, str]


@pytest.fixture
def shop(weak: Weak) -> Iterator[ModuleType]:
    module = weak("weak_django")
    yield module
    from django.db import connections

    connections.close_all()


def handler(interface: str, *, guarded: bool) -> Any:
    """A handler of its own, so that the module's stays bare."""
    from django.core.handlers.asgi import ASGIHandler
    from django.core.handlers.wsgi import WSGIHandler

    made = WSGIHandler() if interface == "wsgi" else ASGIHandler()
    if guarded:
        protect(made, Settings(), partial(check_body, max_depth=64, max_fields=2_000))
    return made


def ask(app: Any, path: str, *, files: Any = None, data: Any = None, **query: str) -> Answer:
    """Status, content type and body."""
    method = "POST" if files or data else "GET"
    request = httpx2.Request(method, "http://shop" + path, params=query, files=files, data=data)
    body = request.read()
    if type(app).__name__ == "WSGIHandler":
        answer = Client(app).open(
            path=path,
            query_string=urlencode(query),
            method=method,
            data=body,
            content_type=request.headers.get("content-type"),
            buffered=True,
        )
        return answer.status_code, answer.content_type or "", answer.text

    async def run() -> Answer:
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport) as client:
            got = await client.send(request)
            return got.status_code, got.headers.get("content-type", ""), got.text

    return asyncio.run(run())


ATTACKS: dict[str, dict[str, Any]] = {
    "query": {"path": "/find", "name": ATTACK},
    "through-django": {"path": "/through", "name": ATTACK},
    "async-view": {"path": "/async", "name": ATTACK},
    "path": {"path": f"/item/{ATTACK}"},
    "multipart": {"path": "/form", "data": {"name": ATTACK}, "files": {"f": ("a.txt", b"x")}},
    "repeated": {"path": "/form", "data": {"name": ["lamp", ATTACK]}},
    "file-name": {"path": "/form", "files": {"f": (f"a{ATTACK}", b"x")}},
    "reraised": {"path": "/reraise", "name": ATTACK},
    "traversal": {"path": "/read", "file": "../outside.txt"},
}
HONEST: dict[str, dict[str, Any]] = {
    "query": {"path": "/find", "name": "lamp"},
    "through-django": {"path": "/through", "name": "lamp"},
    "async-view": {"path": "/async", "name": "lamp"},
    "path": {"path": "/item/lamp"},
    "multipart": {"path": "/form", "data": {"name": "lamp"}, "files": {"f": ("b.txt", b"' OR 1")}},
    "file": {"path": "/read", "file": "a.txt"},
    "stream": {"path": "/stream", "name": "lamp"},
    "download": {"path": "/download"},
}


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_that_works_bare_is_refused(
    name: str,
    interface: str,
    shop: ModuleType,
    firewall: Switch,
    events: list[Event],
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert HIDDEN in ask(handler(interface, guarded=False), **ATTACKS[name])[2]
    app = handler(interface, guarded=True)
    with firewall("block"), caplog.at_level(logging.DEBUG, "django.request"):
        status, content_type, body = ask(app, **ATTACKS[name])
    assert (status, HIDDEN in body) == (403, False)
    assert content_type == "application/problem+json"
    alarms = [event for event in events if event.name.startswith("malicious_")]
    assert {alarm.resource for alarm in alarms} == {
        ATTACKS[name]["path"].replace(ATTACK, "<path:name>")
    }
    assert caplog.records == []
    assert current() is None


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
@pytest.mark.parametrize("name", HONEST)
@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume:Warning")
def test_honest_requests_pass_untouched(
    name: str, interface: str, shop: ModuleType, firewall: Switch, events: list[Event]
) -> None:
    bare = ask(handler(interface, guarded=False), **HONEST[name])
    with firewall("block"):
        assert ask(handler(interface, guarded=True), **HONEST[name]) == bare
    assert bare[0] == 200
    assert events == []


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
def test_a_refusal_that_is_swallowed_sticks_and_the_next_request_is_clean(
    interface: str, shop: ModuleType, firewall: Switch
) -> None:
    app = handler(interface, guarded=True)
    with firewall("block"):
        status, _, body = ask(app, "/swallow", name=ATTACK)
        assert (status, "all is well" in body) == (403, False)
        assert ask(app, "/swallow", name="lamp")[2] == "[('lamp',)]"


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
def test_a_form_with_more_than_django_takes_is_a_problem_and_an_event(
    interface: str, shop: ModuleType, events: list[Event]
) -> None:
    from django.test.utils import override_settings

    app = handler(interface, guarded=True)
    fields = {f"field{number}": "x" for number in range(6)}
    with override_settings(DATA_UPLOAD_MAX_NUMBER_FIELDS=5):
        status, content_type, _ = ask(app, "/form", data=fields)
    assert (status, content_type) == (400, "application/problem+json")
    assert [event.name for event in events] == ["input_validation_fail"]


def test_the_access_event_names_the_route(shop: ModuleType) -> None:
    seen: list[Event] = []
    bus.flush()
    bus.subscribe(seen.extend)
    try:
        for interface in ("wsgi", "asgi"):
            ask(handler(interface, guarded=True), "/item/lamp")
        bus.flush()
    finally:
        bus.unsubscribe(seen.extend)
    assert [event.resource for event in seen] == ["/item/<path:name>"] * 2


def test_the_handler_stays_what_it_was(shop: ModuleType) -> None:
    from django.core.handlers.wsgi import WSGIHandler

    app = handler("wsgi", guarded=True)
    assert app.__class__ is WSGIHandler
    assert isinstance(app, WSGIHandler)


def test_static_files_are_served_and_what_lies_behind_them_keeps_its_routes(
    shop: ModuleType, firewall: Switch, events: list[Event]
) -> None:
    from django.contrib.staticfiles.handlers import (
        StaticFilesHandler,
    )

    app = StaticFilesHandler(handler("wsgi", guarded=False))
    protect(app, Settings(), partial(check_body, max_depth=64, max_fields=2_000))
    with firewall("block"):
        refused = Client(app).get(f"/item/{ATTACK}")
        assert Client(app).get("/static/no-such-file").status_code == 404
    assert refused.status_code == 403
    assert events[0].resource == "/item/<path:name>"

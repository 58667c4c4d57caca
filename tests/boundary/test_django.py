"""Django views that declare what they accept, sync and async, over WSGI and ASGI."""

from __future__ import annotations

import gc
import importlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from stockade.boundary.django import accepts
from stockade.core.events import Event
from tests.boundary.test_flask import Accounts, Letter, NewAccount, Search
from tests.integrations.conftest import APPS
from tests.integrations.test_django import handler

# Django's ASGI handler lets go of a body that it could not read to its end without closing it.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

PROBLEM = "application/problem+json"
FORM = "application/x-www-form-urlencoded"


def multipart(*parts: tuple[str, str, str]) -> tuple[bytes, str]:
    """A body and its type; each part a name, a file's name or nothing, and a content."""
    body = ""
    for name, file, content in parts:
        named = f'; filename="{file}"' if file else ""
        body += f'--b\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n{content}\r\n'
    return f"{body}--b--\r\n".encode(), "multipart/form-data; boundary=b"


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    return Accounts(tmp_path / "accounts.db")


@pytest.fixture(params=["wsgi", "asgi"])
def ask(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    accounts: Accounts,
) -> Iterator[Callable[..., Any]]:
    """`ask(method, path, body, content_type)` gives status, content type and text."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(APPS))
    importlib.import_module("weak_django")  # a process has one Django, and this sets it up
    from django.http import HttpResponse, JsonResponse
    from django.test.utils import override_settings
    from django.urls import path
    from django.views import View

    def bare(request: Any) -> Any:
        accounts.add(json.loads(request.body))
        return HttpResponse("made")

    @accepts(body=NewAccount)
    def create(request: Any, body: NewAccount) -> Any:
        accounts.add(body.model_dump())
        return HttpResponse("made")

    @accepts(body=NewAccount)
    async def create_async(request: Any, body: NewAccount) -> Any:
        return HttpResponse(body.name)

    @accepts(query=Search)
    def find(request: Any, number: int, query: Search) -> Any:
        return JsonResponse({"number": number} | query.model_dump())

    @accepts(form=Letter, query=Search, files=["scan"])
    def send(request: Any, form: Letter, query: Search) -> Any:
        scans = [file.read().decode() for file in request.FILES.getlist("scan")]
        return JsonResponse(form.model_dump() | {"limit": query.limit, "scans": scans})

    @accepts()
    def nothing(request: Any) -> Any:
        return HttpResponse("nothing came")

    class ByClass(View):  # type: ignore[misc]
        @accepts(query=Search)
        def get(self, request: Any, query: Search) -> Any:
            return HttpResponse(str(query.limit))

        @accepts(body=NewAccount)
        def post(self, request: Any, body: NewAccount) -> Any:
            return HttpResponse(body.name)

    module = ModuleType("declared_urls")
    module.__dict__["urlpatterns"] = [
        path("bare", bare),
        path("accounts", create),
        path("async", create_async),
        path("accounts/<int:number>", find),
        path("letters", send),
        path("nothing", nothing),
        path("class", ByClass.as_view()),
    ]
    app = handler(request.param, guarded=True)

    def send_request(method: str, path: str, body: bytes = b"", content_type: str = "") -> Any:
        return _answer(app, method, path, body, content_type)

    with override_settings(ROOT_URLCONF=module):
        yield send_request
    gc.collect()


def _answer(app: Any, method: str, path: str, body: bytes, content_type: str) -> Any:
    import asyncio

    import httpx2
    from werkzeug.test import Client

    headers = {"content-type": content_type} if content_type else {}
    if type(app).__name__ == "WSGIHandler":
        got = Client(app).open(path, method=method, data=body, headers=headers, buffered=True)
        return got.status_code, got.content_type, got.text

    async def run() -> Any:
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport) as client:
            url = "http://shop" + path
            got = await client.request(method, url, content=body, headers=headers)
            return got.status_code, got.headers.get("content-type"), got.text

    return asyncio.run(run())


def refused(answer: Any, status: int) -> list[str]:
    """The pointers of the problem."""
    found, content_type, text = answer
    assert (found, content_type) == (status, PROBLEM), text
    return [error["pointer"] for error in json.loads(text).get("errors", [])]


def test_a_field_that_nobody_offered_sets_a_role_bare_and_is_refused_declared(
    ask: Callable[..., Any], accounts: Accounts, events: list[Event]
) -> None:
    attack = b'{"name": "eve", "role": "admin"}'
    ask("POST", "/bare", attack, "application/json")
    assert accounts.rows() == [("eve", "admin")]
    assert refused(ask("POST", "/accounts", attack, "application/json"), 422) == ["/body"]
    assert accounts.rows() == [("eve", "admin")]
    assert ask("POST", "/accounts", b'{"name": "ann"}', "application/json")[2] == "made"
    assert accounts.rows()[1:] == [("ann", "patient")]
    assert [(event.name, event.resource) for event in events] == [
        ("malicious_extraneous", "/accounts")
    ]


@pytest.mark.parametrize("path", ["/accounts", "/async", "/class"])
@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"", "application/json", 422),
        (b'{"name": "ann", "name": "eve"}', "application/json", 422),
        (b'{"name": "ann"', "application/json", 400),
        (b'{"name": "ann"}', "text/plain", 415),
        (b"name=ann", FORM, 415),
        (*multipart(("name", "", "ann")), 415),
    ],
)
def test_a_body_that_is_not_the_declared_json_is_refused(
    ask: Callable[..., Any],
    accounts: Accounts,
    path: str,
    body: bytes,
    content_type: str,
    status: int,
) -> None:
    refused(ask("POST", path, body, content_type), status)
    assert accounts.rows() == []


def test_async_views_and_classes_alike(ask: Callable[..., Any]) -> None:
    for path in ("/async", "/class"):
        assert ask("POST", path, b'{"name": "ann"}', "application/json")[2] == "ann"
    assert ask("GET", "/class?limit=2")[2] == "2"
    assert refused(ask("GET", "/class?limit=2&limit=3"), 422) == ["/query/limit"]
    assert ask("DELETE", "/class")[0] == 405


def test_a_query_becomes_a_model_beside_what_the_route_gives(ask: Callable[..., Any]) -> None:
    answer = ask("GET", "/accounts/7?name=O%27Hara&limit=9&tag=a&tag=b")
    wanted = {"number": 7, "name": "O'Hara", "limit": 9, "tag": ["a", "b"]}
    assert json.loads(answer[2]) == wanted
    refused(ask("GET", "/accounts/7?name=%ff"), 400)
    refused(ask("GET", "/accounts/7?other=1"), 422)


@pytest.mark.parametrize(
    ("method", "body", "content_type", "scans"),
    [
        ("POST", b"subject=Hello&copies=&to=a&to=b", FORM, []),
        ("PUT", b"subject=Hello&copies=&to=a&to=b", FORM, []),
        (
            "POST",
            *multipart(
                ("subject", "", "Hello"),
                ("copies", "", ""),
                ("to", "", "a"),
                ("to", "", "b"),
                ("scan", "1.txt", "one"),
                ("scan", "2.txt", "two"),
            ),
            ["one", "two"],
        ),
    ],
)
def test_a_form_becomes_a_model_and_declared_files_pass(
    ask: Callable[..., Any], method: str, body: bytes, content_type: str, scans: list[str]
) -> None:
    answer = ask(method, "/letters?limit=3", body, content_type)
    wanted = {"subject": "Hello", "copies": 1, "to": ["a", "b"], "limit": 3, "scans": scans}
    assert json.loads(answer[2]) == wanted


@pytest.mark.parametrize(
    ("body", "content_type", "status", "pointers"),
    [
        (b"subject=a&subject=b", FORM, 422, ["/body/subject"]),
        (b"subject=a&role=admin", FORM, 422, ["/body"]),
        (b"copies=2", FORM, 422, ["/body/subject"]),
        (b'{"subject": "a"}', "application/json", 415, []),
        (b"subject=a", "", 415, []),
        (*multipart(("subject", "", "a"), ("file", "x.txt", "x")), 422, ["/body"]),
        (*multipart(("subject", "", "a"), ("subject", "", "b")), 422, ["/body/subject"]),
    ],
)
def test_a_form_that_does_not_match_is_refused(
    ask: Callable[..., Any], body: bytes, content_type: str, status: int, pointers: list[str]
) -> None:
    assert refused(ask("POST", "/letters", body, content_type), status) == pointers


def test_a_multipart_form_that_django_does_not_read_is_refused(ask: Callable[..., Any]) -> None:
    refused(ask("PUT", "/letters", *multipart(("subject", "", "a"))), 415)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b"{}", "application/json"), (b"a=b", FORM), multipart(("a", "", "b")), (b"x", "")],
)
def test_a_body_where_none_is_declared_is_refused(
    ask: Callable[..., Any], body: bytes, content_type: str
) -> None:
    assert refused(ask("POST", "/nothing", body, content_type), 422) == ["/body"]
    assert ask("POST", "/nothing")[2] == "nothing came"


def test_a_function_without_a_request_is_no_view() -> None:
    @accepts()
    def view(number: int) -> None: ...

    with pytest.raises(TypeError, match="for views"):
        view(7)

"""FastAPI and Starlette: errors that nobody answers are documents, and handlers always win."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, HTTPException
from fastapi.exceptions import RequestValidationError
from fastapi.testclient import TestClient
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from stockade.boundary import check_body, rejection
from stockade.core.config import DefenceSettings, Settings
from stockade.core.errors import Busy, Rejected
from stockade.core.events import Event
from stockade.integrations.fastapi import protect

PROBLEM = "application/problem+json"
SECRET = "hunter2-7f3a"


class Credentials(BaseModel):
    name: str
    password: int


def service() -> FastAPI:
    app = FastAPI()

    @app.get("/crash")
    def crash() -> None:
        raise ValueError(SECRET)

    @app.get("/missing")
    def missing() -> None:
        raise HTTPException(404, "There is no such patient.", {"x-own": "kept"})

    @app.get("/structured")
    def structured() -> None:
        raise HTTPException(409, {"code": 7})

    @app.get("/own-type")
    def own_type() -> None:
        raise HTTPException(400, "<b>no</b>", {"content-type": "text/html"})

    @app.get("/elsewhere")
    def elsewhere() -> None:
        raise HTTPException(307, headers={"location": "/missing"})

    @app.get("/unchanged")
    def unchanged() -> None:
        raise HTTPException(304)

    @app.get("/busy")
    def busy() -> None:
        raise Busy("full")

    @app.get("/rejected")
    def rejected() -> None:
        raise Rejected("Not like this.")

    @app.post("/sign-in")
    def sign_in(credentials: Credentials) -> None: ...

    return app


def guarded(app: Any, mode: Any = "block") -> Any:
    settings = Settings(defence=DefenceSettings(mode=mode))
    protect(app, settings, partial(check_body, max_depth=64), rejection)
    return app


def client(app: Any) -> TestClient:
    return TestClient(app, raise_server_exceptions=False)


@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        ("/nothing", 404, "Not Found"),
        ("/missing", 404, "There is no such patient."),
        ("/crash", 500, "The request could not be completed."),
        ("/busy", 503, "The service is busy. Try again in a moment."),
        ("/rejected", 422, "Not like this."),
    ],
)
def test_errors_are_documents_with_an_id(path: str, status: int, detail: str) -> None:
    bare = client(service()).get(path)
    assert bare.headers["content-type"] != PROBLEM
    answer = client(guarded(service())).get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)
    document = answer.json()
    assert (document["status"], document["detail"]) == (status, detail)
    assert document["instance"].startswith("urn:stockade:request:")
    assert SECRET not in answer.text


def test_headers_of_an_error_are_kept() -> None:
    asked = client(guarded(service()))
    refused = asked.get("/sign-in")
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    assert refused.headers["content-type"] == PROBLEM
    assert asked.get("/missing").headers["x-own"] == "kept"
    assert asked.get("/busy").headers["retry-after"] == "1"


def test_the_methods_of_every_route_of_an_address_are_named() -> None:
    app, part = guarded(service()), APIRouter(prefix="/orders")
    part.get("")(lambda: None)
    part.post("")(lambda: None)
    part.delete("/{number}")(lambda number: None)
    part.put("/{name}")(lambda name: None)
    app.include_router(part)
    app.mount("/files", StaticFiles(directory=Path(__file__).parent))
    asked = client(app)
    assert asked.patch("/orders").headers["allow"] == "GET, POST"
    assert asked.get("/orders/7").headers["allow"] == "DELETE, PUT"
    assert asked.post("/files/test_starlette_errors.py").headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["/structured", "/own-type", "/elsewhere", "/unchanged"])
def test_answers_that_are_no_plain_errors_are_the_frameworks_own(path: str) -> None:
    bare = client(service()).get(path, follow_redirects=False)
    answer = client(guarded(service())).get(path, follow_redirects=False)
    assert (answer.status_code, answer.content) == (bare.status_code, bare.content)
    for name, value in bare.headers.items():
        assert answer.headers[name] == value


def test_a_crash_is_one_event_with_the_id_that_the_client_was_shown(events: list[Event]) -> None:
    answer = client(guarded(service())).get("/crash")
    [event] = events
    assert answer.json()["instance"].endswith(event.request_id)
    assert (event.name, event.resource) == ("sys_crash", "/crash")
    assert event.details["exception"] == "builtins.ValueError"
    assert event.details["raised"].startswith(f"{__name__}:service.<locals>.crash:")
    assert SECRET not in str(event)


@pytest.mark.parametrize("mode", ["observe", "block"])
@pytest.mark.parametrize("debug", [False, True])
def test_a_crash_is_an_event_in_every_mode_and_reaches_the_server(
    mode: str, debug: bool, events: list[Event]
) -> None:
    app = guarded(service(), mode)
    app.debug = debug
    with pytest.raises(ValueError, match=SECRET):
        TestClient(app).get("/crash")
    assert [event.name for event in events] == ["sys_crash"]


def test_debug_mode_shows_its_page_and_observe_mode_changes_nothing() -> None:
    app = guarded(service())
    app.debug = True
    assert SECRET in client(app).get("/crash").text
    for path in ("/crash", "/missing", "/nothing"):
        bare = client(service()).get(path)
        assert client(guarded(service(), "observe")).get(path).content == bare.content


async def own_words(request: Request, error: Exception) -> Response:
    return PlainTextResponse("own words", 418)


def own_words_sync(request: Request, error: Exception) -> Response:
    return PlainTextResponse("own words", 418)


@pytest.mark.parametrize("handler", [own_words, own_words_sync])
@pytest.mark.parametrize("first", ["handler", "protect"])
@pytest.mark.parametrize(
    ("kind", "path"),
    [
        (StarletteHTTPException, "/nothing"),
        (HTTPException, "/missing"),
        (404, "/nothing"),
        (405, "/sign-in"),
        (Exception, "/crash"),
        (500, "/crash"),
        (ValueError, "/crash"),
        (Rejected, "/rejected"),
        (RequestValidationError, "/sign-in"),
    ],
)
def test_an_applications_own_handler_wins_whenever_it_is_registered(
    handler: Callable[..., Any], first: str, kind: Any, path: str
) -> None:
    app = service()
    if first == "protect":
        guarded(app)
    app.add_exception_handler(kind, handler)
    if first == "handler":
        guarded(app)
    if kind is RequestValidationError:
        answer = client(app).post(path, json={"name": 1})
    else:
        answer = client(app).get(path)
    assert (answer.status_code, answer.text) == (418, "own words")


def test_a_mounted_application_echoes_a_password_bare_and_not_guarded(events: list[Event]) -> None:
    sent = {"name": "ann", "password": SECRET}

    def whole() -> FastAPI:
        app = FastAPI()
        app.mount("/inner", service())
        return app

    assert SECRET in client(whole()).post("/inner/sign-in", json=sent).text
    asked = client(guarded(whole()))
    refused = asked.post("/inner/sign-in", json=sent)
    assert (refused.status_code, refused.headers["content-type"]) == (422, PROBLEM)
    assert SECRET not in refused.text
    assert asked.get("/inner/nothing").headers["content-type"] == PROBLEM
    assert asked.get("/inner/rejected").status_code == 422
    assert [event.name for event in events] == ["input_validation_fail"]
    crashed = asked.get("/inner/crash")
    assert (crashed.status_code, crashed.headers["content-type"]) == (500, PROBLEM)
    assert [event.name for event in events[1:]] == ["sys_crash"]
    assert crashed.json()["instance"].endswith(events[1].request_id)


def test_a_mounted_application_keeps_its_own_handlers() -> None:
    inner, app = service(), FastAPI()
    inner.add_exception_handler(StarletteHTTPException, own_words)
    app.router.routes.append(Mount("/deep", routes=[Mount("/inner", app=inner)]))
    asked = client(guarded(app))
    assert asked.get("/deep/inner/nothing").text == "own words"
    assert asked.get("/nothing").headers["content-type"] == PROBLEM


def test_starlette_alone_answers_alike() -> None:
    async def crash(request: Request) -> Response:
        raise ValueError(SECRET)

    async def listed(request: Request) -> Response:
        return JSONResponse([])

    async def unchanged(request: Request) -> Response:
        raise StarletteHTTPException(304)

    routes = [Route("/crash", crash), Route("/list", listed), Route("/unchanged", unchanged)]
    asked = client(guarded(Starlette(routes=routes)))
    assert asked.get("/list").json() == []
    assert asked.get("/unchanged").content == b""
    for method, path, status in (
        ("GET", "/nothing", 404),
        ("DELETE", "/list", 405),
        ("GET", "/crash", 500),
    ):
        answer = asked.request(method, path)
        assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)


def test_a_document_is_no_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    asked = client(guarded(service()))
    with caplog.at_level(logging.WARNING):
        asked.get("/missing")
        asked.get("/rejected")
    assert caplog.records == []

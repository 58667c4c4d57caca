"""Flask: default error pages become documents; handlers, debugging and testing stay as they are."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

import pytest
from flask import Blueprint, Flask, abort, jsonify, make_response
from werkzeug.exceptions import HTTPException, NotFound

from stockade.boundary import check_body
from stockade.core.config import DefenceSettings, Settings
from stockade.core.errors import Busy
from stockade.core.events import Event
from stockade.integrations.flask import protect

PROBLEM = "application/problem+json"
SECRET = "hunter2-7f3a"


class OwnPage(NotFound):
    def get_body(self, *_: Any, **__: Any) -> str:
        return "own page"


def service() -> Flask:
    app = Flask(__name__)

    @app.get("/crash")
    def crash() -> str:
        raise ValueError(SECRET)

    @app.get("/words")
    def words() -> str:
        abort(403, "Only on Mondays.")

    @app.get("/busy")
    def busy() -> str:
        raise Busy("full")

    @app.get("/unauthorised")
    def unauthorised() -> str:
        abort(500)

    @app.get("/page")
    def page() -> str:
        raise OwnPage

    @app.get("/response")
    def response() -> str:
        abort(make_response("own response", 409))

    @app.get("/json")
    def as_json() -> str:
        abort(400, {"code": 7})

    @app.get("/slash/")
    def slash() -> str:
        return "here"

    @app.after_request
    def mark(answer: Any) -> Any:
        answer.headers["x-mark"] = answer.mimetype
        return answer

    return app


def guarded(app: Flask, mode: Any = "block") -> Flask:
    settings = Settings(defence=DefenceSettings(mode=mode))
    protect(app, settings, partial(check_body, max_depth=64))
    return app


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/nothing", 404, "not found"),
        ("POST", "/crash", 405, "not allowed"),
        ("GET", "/words", 403, "Only on Mondays."),
        ("GET", "/crash", 500, "could not be completed"),
        ("GET", "/unauthorised", 500, ""),
        ("GET", "/busy", 503, "Try again"),
    ],
)
def test_default_pages_become_documents_with_an_id(
    method: str, path: str, status: int, words: str
) -> None:
    assert service().test_client().open(path, method=method).content_type != PROBLEM
    answer = guarded(service()).test_client().open(path, method=method)
    assert (answer.status_code, answer.content_type) == (status, PROBLEM)
    document = answer.get_json()
    assert document["status"] == status
    assert words in document["detail"]
    assert document["instance"].startswith("urn:stockade:request:")
    assert SECRET not in answer.text
    assert answer.headers["x-mark"] == PROBLEM  # what runs after a request has seen it


def test_the_methods_that_are_allowed_are_kept() -> None:
    answer = guarded(service()).test_client().post("/words")
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


def test_a_crash_is_one_event_with_the_id_that_the_client_was_shown(
    events: list[Event], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        answer = guarded(service()).test_client().get("/crash")
    [event] = events
    assert answer.get_json()["instance"].endswith(event.request_id)
    assert (event.name, event.resource) == ("sys_crash", "/crash")
    assert event.details["raised"].startswith(f"{__name__}:service.<locals>.crash:")
    assert SECRET not in str(event)
    assert SECRET in caplog.text  # the server's own log is what it was


@pytest.mark.parametrize("path", ["/page", "/response", "/json", "/slash"])
def test_answers_that_are_no_default_pages_are_left_alone(path: str) -> None:
    bare = service().test_client().get(path)
    answer = guarded(service()).test_client().get(path)
    assert (answer.status_code, answer.data) == (bare.status_code, bare.data)
    assert answer.content_type == bare.content_type


def own_words(error: Any) -> Any:
    return jsonify(own="words"), 418


@pytest.mark.parametrize("first", ["handler", "protect"])
@pytest.mark.parametrize(
    ("kind", "path"),
    [
        (404, "/nothing"),
        (NotFound, "/nothing"),
        (HTTPException, "/nothing"),
        (HTTPException, "/crash"),
        (500, "/crash"),
        (ValueError, "/crash"),
        (Exception, "/crash"),
        (Exception, "/nothing"),
    ],
)
def test_an_applications_own_handler_wins_whenever_it_is_registered(
    first: str, kind: Any, path: str
) -> None:
    app = service()
    if first == "protect":
        guarded(app)
    app.register_error_handler(kind, own_words)
    if first == "handler":
        guarded(app)
    answer = app.test_client().get(path)
    assert (answer.status_code, answer.get_json()) == (418, {"own": "words"})


def test_a_blueprints_handler_is_for_the_blueprint_alone() -> None:
    part = Blueprint("part", __name__, url_prefix="/part")
    part.register_error_handler(404, own_words)
    part.add_url_rule("/gone", view_func=lambda: abort(404), endpoint="gone")
    app = guarded(service())
    app.register_blueprint(part)
    asked = app.test_client()
    assert asked.get("/part/gone").status_code == 418
    assert asked.get("/nothing").content_type == PROBLEM


@pytest.mark.parametrize(
    "setting", ["DEBUG", "TESTING", "PROPAGATE_EXCEPTIONS", "TRAP_HTTP_EXCEPTIONS"]
)
def test_debugging_and_testing_work_as_before(setting: str, events: list[Event]) -> None:
    bare, app = service(), guarded(service())
    for one in (bare, app):
        one.config[setting] = True
        one.debug = setting == "DEBUG"
    if setting == "TRAP_HTTP_EXCEPTIONS":
        for one in (bare, app):
            assert b"Internal Server Error" in one.test_client().get("/nothing").data
    else:
        with pytest.raises(ValueError, match=SECRET):
            app.test_client().get("/crash")
    if setting == "DEBUG":
        plain = app.test_client().get("/nothing")
        assert plain.data == bare.test_client().get("/nothing").data
    assert [event.name for event in events] == ["sys_crash"]


def test_where_it_only_observes_nothing_is_changed_and_a_crash_is_told(
    events: list[Event],
) -> None:
    bare, app = service().test_client(), guarded(service(), "observe").test_client()
    for path in ("/crash", "/nothing", "/words"):
        assert app.get(path).data == bare.get(path).data
    assert [event.name for event in events] == ["sys_crash"]

"""Flask, guarded in place: attacks that work bare are refused whatever Flask does with an error."""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import pytest
from flask import Flask, Response, abort, request, stream_with_context
from werkzeug.test import TestResponse

from stockade.boundary import check_body
from stockade.core.config import Settings
from stockade.core.context import current
from stockade.core.events import Event
from stockade.integrations.flask import protect
from tests.conftest import Switch

Weak = Callable[[str], ModuleType]
ATTACK = "' UNION SELECT secret FROM item -- "
HIDDEN = b"the-hidden-price"


def shop(weak: Weak) -> Flask:
    """A new application with the views of the weak one."""
    module = weak("weak_flask")
    app = Flask(__name__)
    app.add_url_rule("/find", view_func=module.find_item)
    app.add_url_rule("/item/<path:name>", view_func=module.item)
    app.add_url_rule("/form", view_func=module.form, methods=["POST"])
    app.add_url_rule("/read", view_func=module.read_file)
    app.add_url_rule("/download", view_func=module.download)

    @app.get("/swallow")
    def swallow() -> str:
        try:
            return str(module.find(request.args["name"]))
        except Exception:
            return "all is well"

    @app.get("/all")
    def every() -> str:
        return "".join(map(module.find, request.args.getlist("name")))

    @app.post("/json")
    def take_json() -> str:
        return str(module.find(request.get_json()["name"]))

    @app.post("/force")
    def take_anything() -> str:
        return str(request.get_json(force=True))

    @app.get("/stream")
    def stream() -> Response:
        def pieces() -> Any:
            yield module.find(request.args["name"])

        return Response(stream_with_context(pieces()))

    @app.get("/teapot")
    def teapot() -> str:
        abort(400, "the application's own words")

    return app


def guarded(app: Flask) -> Flask:
    protect(app, Settings(), partial(check_body, max_depth=64))
    return app


def form(**fields: Any) -> dict[str, Any]:
    return {"path": "/form", "method": "POST", "data": fields}


ATTACKS: dict[str, dict[str, Any]] = {
    "query": {"path": "/find", "query_string": {"name": ATTACK}},
    "repeated": {"path": "/all", "query_string": {"name": ["lamp", ATTACK]}},
    "path": {"path": f"/item/{ATTACK}"},
    "form": form(name=ATTACK),
    "multipart": form(name=ATTACK, file=(io.BytesIO(b"x"), "a.txt")),
    "file-name": form(file=(io.BytesIO(b"x"), f"a{ATTACK}")),
    "json": {"path": "/json", "method": "POST", "json": {"name": ATTACK}},
    "stream": {"path": "/stream", "query_string": {"name": ATTACK}},
    "traversal": {"path": "/read", "query_string": {"file": "../outside.txt"}},
}
HONEST: dict[str, dict[str, Any]] = {
    "query": {"path": "/find", "query_string": {"name": "lamp"}},
    "path": {"path": "/item/lamp"},
    "form": form(name="lamp", file=(io.BytesIO(b"' OR 1=1 --"), "o-brien.txt")),
    "json": {"path": "/json", "method": "POST", "json": {"name": "lamp"}},
    "stream": {"path": "/stream", "query_string": {"name": "lamp"}},
    "file": {"path": "/read", "query_string": {"file": "a.txt"}},
    "download": {"path": "/download"},
}


def send(app: Flask, wanted: dict[str, Any]) -> TestResponse:
    wanted = dict(wanted)
    data = wanted.get("data")
    if isinstance(data, dict):  # a stream is used up by one request
        wanted["data"] = {
            name: (io.BytesIO(value[0].getvalue()), value[1]) if isinstance(value, tuple) else value
            for name, value in data.items()
        }
    return app.test_client().open(**wanted, buffered=True)


@pytest.mark.parametrize("handler", ["none", "catch-all", "debug"])
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_that_works_bare_is_refused(
    name: str, handler: str, weak: Weak, firewall: Switch, events: list[Event]
) -> None:
    assert HIDDEN in send(shop(weak), ATTACKS[name]).data
    app = shop(weak)
    if handler == "catch-all":
        app.register_error_handler(Exception, lambda error: ("all is well", 500))
    app.debug = handler == "debug"
    with firewall("block"):
        answer = send(guarded(app), ATTACKS[name])
    assert (answer.status_code, HIDDEN in answer.data) == (403, False)
    assert answer.content_type == "application/problem+json"
    [alarm] = [event for event in events if event.name.startswith("malicious_")]
    assert alarm.resource == ATTACKS[name]["path"].replace(ATTACK, "<path:name>")
    assert current() is None


@pytest.mark.parametrize("name", HONEST)
def test_honest_requests_pass_untouched(
    name: str, weak: Weak, firewall: Switch, events: list[Event]
) -> None:
    bare = send(shop(weak), HONEST[name])
    with firewall("block"):
        answer = send(guarded(shop(weak)), HONEST[name])
    assert (answer.status_code, answer.data) == (200, bare.data)
    assert events == []


def test_a_refusal_that_is_swallowed_sticks_and_the_next_request_is_clean(
    weak: Weak, firewall: Switch
) -> None:
    with firewall("block"):
        client = guarded(shop(weak)).test_client()
        refused = client.get("/swallow", query_string={"name": ATTACK})
        honest = client.get("/swallow", query_string={"name": "lamp"})
    assert (refused.status_code, b"all is well" in refused.data) == (403, False)
    assert honest.data == b"[('lamp',)]"


def test_a_value_found_by_routing_is_an_input_by_its_name(
    weak: Weak, firewall: Switch, events: list[Event]
) -> None:
    with firewall("block"):
        send(guarded(shop(weak)), ATTACKS["path"])
    assert events[0].details["source"] == "path"


def test_a_refusal_is_no_error_in_the_log(
    weak: Weak, firewall: Switch, caplog: pytest.LogCaptureFixture
) -> None:
    app = guarded(shop(weak))
    with firewall("block"), caplog.at_level(logging.DEBUG):
        assert send(app, ATTACKS["query"]).status_code == 403
    assert caplog.records == []


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        pytest.param(400, {"path": "/force", "data": b"{"}, id="json"),
        pytest.param(415, {"path": "/json", "data": b"{", "content_type": "text/plain"}, id="type"),
        pytest.param(413, form(name="x" * 2000, file=(io.BytesIO(b"y"), "f")), id="too-large"),
    ],
)
def test_a_body_that_cannot_be_read_is_a_problem_and_an_event(
    status: int, wanted: dict[str, Any], weak: Weak, events: list[Event]
) -> None:
    app = guarded(shop(weak))
    app.config["MAX_FORM_MEMORY_SIZE"] = 1000
    answer = send(app, {"method": "POST", **wanted})
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert [event.name for event in events] == ["input_validation_fail"]


def test_the_applications_own_words_and_handlers_are_left_alone(weak: Weak) -> None:
    app = guarded(shop(weak))
    assert b"own words" in send(app, {"path": "/teapot"}).data
    handled = guarded(shop(weak))
    handled.register_error_handler(415, lambda error: ("ours", 415))
    own = send(
        handled, {"path": "/json", "method": "POST", "data": b"{", "content_type": "text/plain"}
    )
    assert own.data == b"ours"


def test_threads_serve_many_requests_each_with_its_own_values(weak: Weak, firewall: Switch) -> None:
    found: list[tuple[str, bool]] = []
    app = shop(weak)

    @app.get("/look")
    def look() -> str:
        context = current()
        assert context is not None
        own = request.args["name"]
        queries = {item.value for item in context.inputs if item.source == "query"}
        readings = (own, own.replace("'", ""), request.query_string.decode())
        found.append((own, all(any(value in each for each in readings) for value in queries)))
        return own

    guarded(app)

    def ask(first: int) -> None:
        client = app.test_client()
        for number in range(20):
            client.get("/look", query_string={"name": f"it's {first} {number}"})
            assert current() is None

    with firewall("block"):
        threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len({own for own, _ in found}) == 80
    assert all(alone for _, alone in found)

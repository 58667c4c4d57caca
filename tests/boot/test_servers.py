from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from flask import Flask
from starlette.applications import Starlette
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from stockade.app import Stockade, framework
from stockade.boot.servers import find_application, guard
from stockade.core.config import Settings


class Layer:
    def __init__(self, app: Any) -> None:
        self.app = app

    def __call__(self) -> None: ...


class Recorder:
    def __init__(self) -> None:
        self.guarded: list[Any] = []

    def guard(self, app: Any) -> None:
        self.guarded.append(app)

    def knows(self, app: Any) -> bool:
        return framework(app) is not None

    def wrap(self, app: Any, interface: Any = None) -> Any:
        return ("wrapped", app, interface)


def test_the_innermost_application_is_found_behind_middlewares() -> None:
    recorder, app = Recorder(), FastAPI()
    assert find_application(app, recorder) is app
    assert find_application(Layer(Layer(app)), recorder) is app
    inner = Starlette()
    assert find_application(Layer(inner), recorder) is inner
    assert find_application(Layer("not callable"), recorder) is None
    assert find_application(guard, recorder) is None


def test_a_ring_of_layers_ends() -> None:
    first = Layer(None)
    first.app = Layer(first)
    assert find_application(first, Recorder()) is None


def test_what_no_framework_made_is_wrapped_from_outside() -> None:
    recorder, outer = Recorder(), Layer(None)
    assert guard(outer, recorder, "asgi") == ("wrapped", outer, "asgi")
    app = FastAPI()
    layered = Layer(app)
    assert guard(layered, recorder) is layered
    assert recorder.guarded == [app]


def test_a_wsgi_layer_around_flask_is_guarded_inside_and_outside() -> None:
    """A dispatcher holds more than the one application that is found in it."""
    recorder, app = Recorder(), Flask(__name__)
    mounted = DispatcherMiddleware(app.wsgi_app, {"/admin": lambda environ, start: []})
    layered = Layer(app)
    assert guard(layered, recorder, "wsgi") == ("wrapped", layered, "wsgi")
    assert recorder.guarded == [app]
    assert guard(app, recorder, "wsgi") is app
    assert guard(mounted, recorder, "wsgi") == ("wrapped", mounted, "wsgi")


def test_what_protected_itself_is_left_alone() -> None:
    stockade = Stockade(Settings())
    app = stockade.wrap(Layer(None), "wsgi")
    assert guard(app, stockade, "wsgi") is app
    assert find_application(Layer(app), stockade) is None


def test_a_failure_is_loud_and_outside_block_mode_not_fatal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STOCKADE_DEFENCE__MODE", "observe")

    class Broken(Recorder):
        def guard(self, app: Any) -> None:
            raise RuntimeError("no")

    app = FastAPI()
    assert guard(app, Broken()) is app
    assert "NOT GUARDED: the application cannot be guarded: RuntimeError" in capsys.readouterr().err

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette

from stockade.boot.servers import find_application, guard


class Layer:
    def __init__(self, app: Any) -> None:
        self.app = app

    def __call__(self) -> None: ...


class Recorder:
    def __init__(self) -> None:
        self.guarded: list[Any] = []

    def guard(self, app: Any) -> None:
        self.guarded.append(app)

    def wrap(self, app: Any) -> Any:
        return ("wrapped", app)


def test_the_innermost_application_is_found_behind_middlewares() -> None:
    app = FastAPI()
    assert find_application(app) is app
    assert find_application(Layer(Layer(app))) is app
    inner = Starlette()
    assert find_application(Layer(inner)) is inner
    assert find_application(Layer("not callable")) is None
    assert find_application(test_the_innermost_application_is_found_behind_middlewares) is None


def test_a_ring_of_layers_ends() -> None:
    first = Layer(None)
    first.app = Layer(first)
    assert find_application(first) is None


def test_what_is_no_starlette_is_wrapped_from_outside() -> None:
    recorder, outer = Recorder(), Layer(None)
    assert guard(outer, recorder) == ("wrapped", outer)
    app = FastAPI()
    layered = Layer(app)
    assert guard(layered, recorder) is layered
    assert recorder.guarded == [app]


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

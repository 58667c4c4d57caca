"""Servers that guard their application when they load it: one function each, none imported here."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Protocol

import wrapt

from stockade.boot import handshake

__all__ = ["Guardian", "find_application", "guard", "hook"]

_MAX_DEPTH = 50


class Guardian(Protocol):
    """The part of `stockade.app.Stockade` that is needed here."""

    def guard(self, app: Any) -> None: ...

    def wrap(self, app: Any) -> Any: ...


def hook(stockade: Guardian) -> None:
    """Have each server that this process may import guard what it serves."""
    wrapt.register_post_import_hook(
        functools.partial(_uvicorn, stockade=stockade), "uvicorn.config"
    )


def _uvicorn(module: Any, stockade: Guardian) -> None:
    """uvicorn itself, its workers, `fastapi run`, and gunicorn with uvicorn's worker class."""
    load: Callable[[Any], None] = module.Config.load

    @functools.wraps(load)
    def load_guarded(config: Any) -> None:
        load(config)
        config.loaded_app = guard(config.loaded_app, stockade)

    module.Config.load = load_guarded


def guard(app: Any, stockade: Guardian) -> Any:
    """`app`, guarded: in place where it holds a Starlette application, else from outside."""
    try:
        application = find_application(app)
        if application is None:
            app = stockade.wrap(app)
        else:
            stockade.guard(application)
    except Exception as error:
        handshake.fail(f"the application cannot be guarded: {type(error).__name__}: {error}")
        return app
    handshake.tell(handshake.SERVING, text=type(application or app).__name__)
    return app


def find_application(app: Any) -> Any:
    """The Starlette or FastAPI application inside, past middlewares that keep theirs in `app`."""
    for _ in range(_MAX_DEPTH):
        # Not isinstance: a WSGI application must not pay for importing Starlette.
        if any(base.__module__ == "starlette.applications" for base in type(app).__mro__):
            return app
        inner = getattr(app, "app", None)
        if not callable(inner):
            return None
        app = inner
    return None

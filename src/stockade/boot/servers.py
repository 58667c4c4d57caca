"""Servers that guard their application when they load it: one function each, none imported here.

Each hook takes the application where the server is handed it, whoever imported or made it. Two
hooks may meet one application (gunicorn with uvicorn workers): it is guarded once.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Protocol

import wrapt

from stockade.boot import handshake

__all__ = ["Guardian", "find_application", "guard", "hook"]

_MAX_DEPTH = 50
# Where middlewares keep the application they wrap: WSGI's and ASGI's habit, Flask's, Django's.
_INNER = ("app", "application", "wsgi_app", "wrapped_app")


class Guardian(Protocol):
    """The part of `stockade.app.Stockade` that is needed here."""

    def guard(self, app: Any) -> None: ...

    def knows(self, app: Any) -> bool: ...

    def wrap(self, app: Any, interface: Any = None) -> Any: ...


def hook(stockade: Guardian) -> None:
    """Have each server that this process may import guard what it serves."""
    hooks: dict[str, Callable[..., None]] = {
        "uvicorn.config": _uvicorn,
        "gunicorn.app.base": _gunicorn,
        "hypercorn.utils": _hypercorn,
        "granian.asgi": _granian_asgi,
        "granian.wsgi": _granian_wsgi,
        "granian._futures": _granian_tasks,
        "waitress.server": _waitress,
        "werkzeug.serving": _werkzeug,
        "wsgiref.simple_server": _wsgiref,
        "multiprocessing.util": _multiprocessing,
    }
    for module, install in hooks.items():
        wrapt.register_post_import_hook(functools.partial(install, stockade=stockade), module)


def _uvicorn(module: Any, stockade: Guardian) -> None:
    """uvicorn itself, its workers, `fastapi run`, and gunicorn with uvicorn's worker class."""
    load: Callable[[Any], None] = module.Config.load

    @functools.wraps(load)
    def load_guarded(config: Any) -> None:
        load(config)
        config.loaded_app = guard(config.loaded_app, stockade, "asgi")

    module.Config.load = load_guarded


def _gunicorn(module: Any, stockade: Guardian) -> None:
    """gunicorn with any worker class."""
    load: Callable[[Any], Any] = module.BaseApplication.wsgi

    @functools.wraps(load)
    def wsgi(application: Any) -> Any:
        if application.callable is None:
            worker = application.cfg.worker_class_str.lower()
            interface = "asgi" if "asgi" in worker or "uvicorn" in worker else "wsgi"
            application.callable = guard(load(application), stockade, interface)
        return application.callable

    module.BaseApplication.wsgi = wsgi


def _hypercorn(module: Any, stockade: Guardian) -> None:
    """hypercorn, its workers, and `hypercorn.asyncio.serve` called by a program."""
    wrap_app: Callable[..., Any] = module.wrap_app

    @functools.wraps(wrap_app)
    def wrap_guarded(app: Any, wsgi_max_body_size: int, mode: Any) -> Any:
        return wrap_app(guard(app, stockade, mode), wsgi_max_body_size, mode)

    module.wrap_app = wrap_guarded


def _granian(module: Any, stockade: Guardian, interface: str) -> None:
    """granian's workers; its own interface, RSGI, is not guarded."""
    wrap: Callable[..., Any] = module._callback_wrapper

    @functools.wraps(wrap)
    def wrap_guarded(callback: Any, *args: Any, **kwargs: Any) -> Any:
        return wrap(guard(callback, stockade, interface), *args, **kwargs)

    module._callback_wrapper = wrap_guarded


_granian_asgi = functools.partial(_granian, interface="asgi")
_granian_wsgi = functools.partial(_granian, interface="wsgi")


def _granian_tasks(module: Any, stockade: Guardian) -> None:
    """granian's own tasks share one context among all requests: have it use asyncio's."""
    new_scheduler: Callable[..., Any] = module._new_cbscheduler

    @functools.wraps(new_scheduler)
    def new_asyncio_scheduler(loop: Any, cb: Any, impl_asyncio: bool = True) -> Any:
        return new_scheduler(loop, cb, impl_asyncio=True)

    module._new_cbscheduler = new_asyncio_scheduler


def _waitress(module: Any, stockade: Guardian) -> None:
    """`waitress-serve`, and `waitress.serve` called by a program."""
    create_server: Callable[..., Any] = module.create_server

    @functools.wraps(create_server)
    def create_guarded(application: Any, *args: Any, **kwargs: Any) -> Any:
        if application is not None:  # waitress says it better
            application = guard(application, stockade, "wsgi")
        return create_server(application, *args, **kwargs)

    module.create_server = create_guarded


def _werkzeug(module: Any, stockade: Guardian) -> None:
    """`flask run`, `app.run()` and `run_simple`."""
    start: Callable[..., None] = module.BaseWSGIServer.__init__

    @functools.wraps(start)
    def init(server: Any, host: Any, port: Any, app: Any, *args: Any, **kwargs: Any) -> None:
        start(server, host, port, guard(app, stockade, "wsgi"), *args, **kwargs)

    module.BaseWSGIServer.__init__ = init


def _wsgiref(module: Any, stockade: Guardian) -> None:
    """The standard library's server, and Django's `runserver`, which is derived from it."""
    set_app: Callable[[Any, Any], None] = module.WSGIServer.set_app

    @functools.wraps(set_app)
    def set_guarded(server: Any, application: Any) -> None:
        if application is not None:
            application = guard(application, stockade, "wsgi")
        set_app(server, application)

    module.WSGIServer.set_app = set_guarded


def _multiprocessing(module: Any, stockade: Guardian) -> None:
    """Spawned workers (uvicorn's, granian's) inherit the pipe, so that they can report."""
    spawn: Callable[..., int] = module.spawnv_passfds

    @functools.wraps(spawn)
    def spawn_with_pipe(path: Any, args: Any, passfds: Any) -> int:
        number = handshake.pipe()
        return spawn(path, args, [*passfds, *([] if number is None else [number])])

    module.spawnv_passfds = spawn_with_pipe


def guard(app: Any, stockade: Guardian, interface: Any = None) -> Any:
    """`app`, guarded: in place where it holds an application of a framework, else from outside."""
    try:
        application = find_application(app, stockade)
        if application is None:
            app = stockade.wrap(app, interface)
        else:
            stockade.guard(application)
            if interface == "wsgi" and app is not application:
                # Outside as well, for a dispatcher may hold others; the inner guard passes on.
                app = stockade.wrap(app, interface)
    except Exception as error:
        handshake.fail(f"the application cannot be guarded: {type(error).__name__}: {error}")
        return app
    served = app if application is None else application
    handshake.tell(handshake.SERVING, text=_name(served))
    return app


def _name(app: Any) -> str:
    """The kind of application, seen through our own layer where there is one."""
    if type(app).__module__.startswith("stockade."):
        app = app.app
    return getattr(app, "__name__", None) or type(app).__name__


def find_application(app: Any, stockade: Guardian) -> Any:
    """The application of a framework inside, past middlewares that keep theirs where all do."""
    todo = [app]
    for _ in range(_MAX_DEPTH):
        if not todo:
            return None
        app = todo.pop(0)
        if stockade.knows(app):
            return app
        if getattr(app, "stockade", None) is not None and hasattr(app, "app"):
            return None  # it has protected itself, from outside
        inner = (getattr(app, name, None) for name in _INNER)
        todo += [found for found in inner if callable(found)]
    return None

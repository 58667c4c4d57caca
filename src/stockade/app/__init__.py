"""Where the parts meet: reads the configuration, makes each part when first asked for, joins them.

The only package that knows them all.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from stockade.app.frameworks import framework
from stockade.app.parts import Parts, firewall
from stockade.app.watching import Watching
from stockade.core import config, propagation
from stockade.core.bus import bus, emit
from stockade.core.config import Settings
from stockade.core.errors import ConfigError
from stockade.core.events import Outcome
from stockade.core.head import Door
from stockade.core.health import health
from stockade.core.tally import tally

if TYPE_CHECKING:
    from stockade.integrations.interface import Interface

__all__ = ["Stockade", "firewall", "framework"]

A = TypeVar("A", bound=Callable[..., Any])

_running: Stockade | None = None


class Stockade(Parts):
    """The defences of one application, joined by one configuration and one event stream."""

    def __init__(self, settings: Settings | None = None, *, folder: str | Path = ".") -> None:
        """`settings`, or those of `stockade.toml` in `folder`; relative paths start there."""
        super().__init__(settings, folder=folder)
        self._watching = Watching(self)

    @classmethod
    def protect(
        cls, app: Any, config_file: str | Path | None = None, *, settings: Settings | None = None
    ) -> Stockade:
        """Put every defence around `app`, guarded in place.

        `app` is a FastAPI, Starlette or Flask application, or what Django's `get_wsgi_application`
        or `get_asgi_application` returns. Raises ConfigError for a configuration that is not
        understood. For another ASGI or WSGI callable use `wrap`.
        """
        if settings is None:
            settings = config.load(config_file)
        folder = Path(config_file).parent if config_file is not None else Path()
        stockade = cls(settings, folder=folder)
        stockade.start()
        stockade.guard(app)
        return stockade

    # -- starting and stopping -------------------------------------------------------------------

    def start(self) -> None:
        """Install what the process shares: context in threads, the firewall, the event stream.

        The last one started owns these: an application that protects itself under `stockade run`
        replaces what the run had started, and nothing is written twice.
        """
        global _running
        if _running is not None and _running is not self:
            _running.close(replaced=True)
        _running = self
        propagation.install()
        tally.before_reading = firewall.count
        self._watching.begin()
        mode = self.settings.defence.mode
        if mode == "off":
            emit(
                "sys_monitor_disabled",
                Outcome.OBSERVED,
                "app",
                "Stockade is switched off by defence.mode: nothing is guarded.",
                rule="defence.off",
            )
        else:
            firewall.install(self.settings.firewall, mode)
            emit("sys_startup", Outcome.ALLOWED, "app", "Stockade guards this process.", mode=mode)
        self._tell_monitors("sys_monitor_enabled", "These watch the process from now on.")
        # First, while those who receive events still do.
        self.closers.insert(0, partial(bus.flush, last=True))
        self._watching.take_logs()
        atexit.register(self._exit)

    def guard(self, app: Any) -> None:
        """Guard a FastAPI, Starlette, Flask or Django application in place; twice is once.

        Raises ConfigError for anything else.
        """
        kind = framework(app)
        if kind is None:
            raise ConfigError(
                "protect() knows FastAPI and Starlette applications, Flask's, and Django's "
                f"handlers, not {type(app).__name__}: for another ASGI or WSGI callable write "
                "app = stockade.wrap(app)"
            )
        if self.settings.defence.mode == "off" or getattr(app, "stockade", None) is not None:
            return
        settings, check_body, door = self.settings, self._check_body(), self._door(app)
        if kind == "starlette":
            from stockade.boundary import rejection
            from stockade.integrations import fastapi

            fastapi.protect(app, settings, check_body, rejection, door)
        elif kind == "flask":
            from stockade.integrations import flask

            flask.protect(app, settings, check_body, door)
        else:
            from stockade.integrations import django

            django.protect(app, settings, check_body, door)
        app.stockade = self
        self._watching.replace_access_log()

    def knows(self, app: Any) -> bool:
        """Whether `guard` can guard `app` in place."""
        return framework(app) is not None

    def wrap(self, app: A, interface: Interface | None = None) -> A:
        """A guarded application around `app`, any other ASGI or WSGI callable; twice is once.

        Which of the two, its signature says, or `interface` where it does not. An application
        that `guard` knows is guarded in place and returned. Raises ConfigError for a callable
        that is neither, or does not show which.
        """
        if framework(app) is not None:
            self.guard(app)
            return app
        if self.settings.defence.mode == "off" or getattr(app, "stockade", None) is not None:
            return app
        if not callable(app):
            raise ConfigError(f"wrap() guards a callable, not {type(app).__name__}")
        from stockade.integrations import health as health_pages
        from stockade.integrations.interface import interface_of

        guarded: Any
        if (interface or interface_of(app)) == "asgi":
            from stockade.integrations.asgi import Outermost

            guarded = Outermost(app, self.settings, self._check_body(), self._door(app))
            guarded = health_pages.asgi(guarded, self.settings)
        else:
            from stockade.integrations.wsgi import Guard

            guarded = Guard(app, self.settings, self._check_body(), self._door(app))
            guarded = health_pages.wsgi(guarded, self.settings)
        guarded.stockade = self
        self._watching.replace_access_log()
        return cast("A", guarded)

    def close(self, *, replaced: bool = False) -> None:
        """Write what waits and let go of files; calling it again changes nothing.

        `replaced`: another one has taken over, and nothing goes unwatched.
        """
        closers, self.closers = self.closers, []
        if closers:
            health.forget()  # what is closed here has not failed
            self._watching.fall_silent()
            if not replaced:
                self._tell_monitors("sys_monitor_disabled", "Nothing watches the process any more.")
        for closer in closers:
            closer()
        atexit.unregister(self._exit)

    def _exit(self) -> None:
        """The process ends in order; under ASGI the application has said so already."""
        if not any(name == "sys_shutdown" for name, _, _ in bus.counts):
            emit("sys_shutdown", Outcome.ALLOWED, "app", "The process ends.", rule="app.exit")
        self.close()

    def _tell_monitors(self, name: str, reason: str) -> None:
        emit(
            name,
            Outcome.ALLOWED,
            "app",
            reason,
            rule="app.monitors",
            monitors=self._watching.monitors,
        )

    def _check_body(self) -> Callable[[str, bytes], None]:
        from stockade.boundary import check_body

        request = self.settings.request
        return partial(
            check_body,
            max_depth=request.max_json_depth,
            max_fields=request.max_fields,
            max_field_bytes=request.max_field_bytes,
        )

    def _door(self, app: object) -> Door:
        from stockade.boundary.gate import Gate
        from stockade.boundary.gate.rates import Rates
        from stockade.boundary.gate.recorded import Recorded
        from stockade.integrations.trusted_origins import trusted_by

        rates = Rates(self.settings.rates, lambda: self.store, lambda: self.keyring.mac("rates"))
        refuses = self.settings.watch.audit_failure == "refuse"
        return Gate(
            self.settings,
            rates,
            lambda: self.keyring.mac("leaving"),
            trusts=trusted_by(app),
            recorded=Recorded(self._watching.recorded if refuses else None),
        )

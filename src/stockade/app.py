"""Where the parts meet: reads the configuration, makes each part when first asked for, joins them.

The only module that knows them all.
"""

from __future__ import annotations

import atexit
import sys
import time
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from stockade.core import config, propagation
from stockade.core.bus import bus, emit
from stockade.core.config import Settings
from stockade.core.errors import ConfigError
from stockade.core.events import Outcome
from stockade.core.head import Door
from stockade.core.ports import PasswordHasher, Store
from stockade.core.secret import Secret
from stockade.core.tally import tally
from stockade.firewall.firewall import Firewall

if TYPE_CHECKING:
    from stockade.access import Policies, Sessions, StoreThrottle
    from stockade.boundary import CsrfTokens
    from stockade.crypto import Keyring
    from stockade.integrations.interface import Interface
    from stockade.secrets import Secrets
    from stockade.watch.log import JsonLog

__all__ = ["Stockade"]

A = TypeVar("A", bound=Callable[..., Any])

firewall = Firewall()
"""The firewall of this process."""


_running: Stockade | None = None

# By name: none of them may be imported to find out that an application is another's.
_FRAMEWORKS = {
    "starlette.applications.Starlette": "starlette",
    "flask.app.Flask": "flask",
    "django.core.handlers.wsgi.WSGIHandler": "django",
    "django.core.handlers.asgi.ASGIHandler": "django",
}


def framework(app: object) -> str | None:
    """Which framework's application `app` is; None for any other object."""
    for base in type(app).__mro__:
        found = _FRAMEWORKS.get(f"{base.__module__}.{base.__qualname__}")
        if found is not None:
            return found
    return None


class _LateThrottle:
    """The application's throttle, made at the first detection: most processes never need one."""

    def __init__(self, stockade: Stockade) -> None:
        self._stockade = stockade

    def wait(self, client: str, account: str) -> float:
        return self._stockade.throttle.wait(client, account)

    def throttle(self, client: str, account: str, *, seconds: float, reason: str) -> None:
        self._stockade.throttle.throttle(client, account, seconds=seconds, reason=reason)


class Stockade:
    """The defences of one application, joined by one configuration and one event stream."""

    def __init__(self, settings: Settings | None = None, *, folder: str | Path = ".") -> None:
        """`settings`, or those of `stockade.toml` in `folder`; relative paths start there."""
        self.folder = Path(folder)
        self.settings = settings if settings is not None else config.load()
        self.log: JsonLog | None = None
        self._closers: list[Callable[[], object]] = []

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
            _running.close()
        _running = self
        propagation.install()
        tally.before_reading = firewall.count
        self._watch()
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
        # First, while those who receive events still do.
        self._closers.insert(0, partial(bus.flush, last=True))
        atexit.register(self.close)

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
        from stockade.integrations.interface import interface_of

        guarded: Any
        if (interface or interface_of(app)) == "asgi":
            from stockade.integrations.asgi import Outermost

            guarded = Outermost(app, self.settings, self._check_body(), self._door(app))
        else:
            from stockade.integrations.wsgi import Guard

            guarded = Guard(app, self.settings, self._check_body(), self._door(app))
        guarded.stockade = self
        return cast("A", guarded)

    def close(self) -> None:
        """Write what waits and let go of files; calling it again changes nothing."""
        closers, self._closers = self._closers, []
        for closer in closers:
            closer()
        atexit.unregister(self.close)

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
        from stockade.integrations.trusted_origins import trusted_by

        rates = Rates(self.settings.rates, lambda: self.store, lambda: self.keyring.mac("rates"))
        return Gate(self.settings.browser, rates, trusts=trusted_by(app))

    def _watch(self) -> None:
        """Attach log, journal, metrics, detection and alerts to the bus."""
        from stockade.secrets import live
        from stockade.watch.alert import AlertLine
        from stockade.watch.detection import FailedSignIns
        from stockade.watch.journal import Journal
        from stockade.watch.log import JsonLog
        from stockade.watch.terminal import Terminal

        watch, mode = self.settings.watch, self.settings.defence.mode
        bus.sample(watch.refusals_written)
        if watch.journal:
            journal = Journal(self.path(watch.journal), secrets=live)
            self._attach(bus.subscribe_audit, journal.append)
            self._closers.append(journal.close)
        if watch.log:
            file = watch.log if watch.log == "-" else self.path(watch.log)
            self.log = JsonLog(file, secrets=live)
            self._attach(bus.subscribe, self.log)
            self._closers.append(self.log.close)
        detector = FailedSignIns(
            _LateThrottle(self) if mode == "block" else None,
            limit=watch.failed_sign_ins,
            window=watch.failed_sign_ins_window,
            seconds=watch.throttle,
        )
        self._attach(bus.subscribe, detector)
        self._attach(bus.subscribe, AlertLine())
        if sys.stderr.isatty() and watch.log != "-":
            self._attach(bus.subscribe, Terminal(sys.stderr))
        if watch.metrics:
            from stockade.watch.metrics import Metrics

            self._closers.append(Metrics().serve(watch.metrics).close)

    def _attach(self, subscribe: Callable[[Any], None], subscriber: Any) -> None:
        subscribe(subscriber)
        self._closers.append(partial(bus.unsubscribe, subscriber))

    # -- the parts -------------------------------------------------------------------------------

    def path(self, name: str) -> Path:
        """A path of the configuration, relative ones starting at its folder."""
        return self.folder / name

    @cached_property
    def store(self) -> Store:
        """State that defences share: throttles, sessions, counters."""
        from stockade.stores import open_store

        url = self.settings.store.url
        kind, _, path = url.rpartition("sqlite:")
        in_memory = url in ("memory", ":memory:", "sqlite::memory:")
        store = open_store(url if in_memory or kind else str(self.path(path)))
        self._closers.insert(0, store.close)
        return store

    @cached_property
    def keyring(self) -> Keyring:
        """The keys, made at the first use where there are none."""
        from stockade.crypto import Keyring

        return Keyring.open(self.path(self.settings.crypto.keyring), create=True)

    @cached_property
    def hasher(self) -> PasswordHasher:
        """Argon2id."""
        from stockade.crypto import Argon2idHasher

        return Argon2idHasher()

    @cached_property
    def csrf(self) -> CsrfTokens:
        """Tokens for forms, bound to a session."""
        from stockade.boundary import CsrfTokens

        return CsrfTokens(self.keyring.mac("csrf"), clock=time.time)

    @cached_property
    def throttle(self) -> StoreThrottle:
        """Who must wait before the next attempt to sign in."""
        from stockade.access import StoreThrottle

        return StoreThrottle(self.store, self.keyring.mac("throttle"))

    @cached_property
    def sessions(self) -> Sessions:
        """Who is signed in."""
        from stockade.access import Sessions

        access = self.settings.access
        return Sessions(self.store, idle=access.session_idle, absolute=access.session_absolute)

    @cached_property
    def policies(self) -> Policies:
        """Who may do what: the Cedar policies of `access.policies`."""
        from stockade.access import Policies

        return Policies.load(self.path(self.settings.access.policies))

    def secret(self, name: str) -> Secret[str]:
        """The secret that `[secrets]` names, resolved when it is revealed.

        Raises ConfigError where the configuration has no such name.
        """
        if name not in self.secrets:
            raise ConfigError(
                f'no secret {name!r} in [secrets]: add a line such as {name} = "env:…"'
            )
        return self.secrets[name]

    @cached_property
    def secrets(self) -> Secrets:
        """The secrets that `[secrets]` names, each read when it is first revealed."""
        from stockade.secrets import Secrets

        return Secrets(self.settings.secrets)

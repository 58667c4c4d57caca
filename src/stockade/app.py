"""Where the parts meet: reads the configuration, makes each part when first asked for, joins them.

The only module that knows them all.
"""

from __future__ import annotations

import atexit
import sys
import time
from collections.abc import Callable, Iterator
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from stockade.core import config, propagation
from stockade.core.bus import bus, emit
from stockade.core.config import Settings
from stockade.core.errors import ConfigError
from stockade.core.events import Outcome
from stockade.core.head import Door
from stockade.core.health import health
from stockade.core.ports import PasswordHasher, Store
from stockade.core.secret import Secret
from stockade.core.tally import Reading, tally
from stockade.firewall.firewall import Firewall

if TYPE_CHECKING:
    from stockade.access import Policies, Sessions, StoreThrottle, Tickets
    from stockade.boundary import CsrfTokens, Steps
    from stockade.core.ports import LiveSecrets, LogSigner
    from stockade.crypto import Keyring
    from stockade.crypto.personal_keys import PersonalKeys
    from stockade.integrations.interface import Interface
    from stockade.secrets import Secrets
    from stockade.watch.appender import Appender
    from stockade.watch.audit.log import AuditTrail
    from stockade.watch.audit.storage import Storage
    from stockade.watch.liveness import Job, Liveness
    from stockade.watch.log import JsonLog
    from stockade.watch.metrics import Server
    from stockade.watch.otel import OpenTelemetry
    from stockade.watch.silence import Silence
    from stockade.watch.vocabulary import ApplicationEvents

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
        self.audit: AuditTrail | None = None
        self._closers: list[Callable[[], object]] = []
        self._files: list[Appender] = []
        self._telemetry: OpenTelemetry | None = None
        self._silence: Silence | None = None

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
        self._watch()
        self._look_after()
        self._listen()
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
        self._closers.insert(0, partial(bus.flush, last=True))
        self._take_logs()
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
        self._replace_access_log()

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
        self._replace_access_log()
        return cast("A", guarded)

    def close(self, *, replaced: bool = False) -> None:
        """Write what waits and let go of files; calling it again changes nothing.

        `replaced`: another one has taken over, and nothing goes unwatched.
        """
        closers, self._closers = self._closers, []
        if closers:
            health.forget()  # what is closed here has not failed
            self._fall_silent()
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
        watch = self.settings.watch
        on = {
            "log": watch.log,
            "audit": watch.audit,
            "metrics": watch.metrics,
            "silence": watch.silence,
            "heartbeat": watch.heartbeat,
            "firewall": self.settings.defence.mode != "off",
        }
        monitors = [monitor for monitor, value in on.items() if value]
        emit(name, Outcome.ALLOWED, "app", reason, rule="app.monitors", monitors=monitors)

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
            recorded=Recorded(self._recorded if refuses else None),
        )

    def _recorded(self) -> bool:
        """Whether what is about to happen would be in the audit log."""
        return self.audit is not None and self.audit.written

    def _watch(self) -> None:
        """Attach log, audit log, metrics, detection and alerts to the bus."""
        from stockade.core.secret import Redactor
        from stockade.secrets import live
        from stockade.watch.alert import AlertLine
        from stockade.watch.detection import FailedSignIns
        from stockade.watch.log import JsonLog
        from stockade.watch.terminal import Terminal

        watch, mode = self.settings.watch, self.settings.defence.mode
        bus.sample(watch.refusals_written, watch.application_lines)
        if watch.audit:
            self._keep_audit_log(live)
        if watch.log:
            file = watch.log if watch.log == "-" else self.path(watch.log)
            self.log = JsonLog(file, secrets=live, ocsf=watch.format == "ocsf")
            self._attach(bus.subscribe, self.log)
            self._closers.append(self.log.close)
            self._files.append(self.log.file)
        detector = FailedSignIns(
            _LateThrottle(self) if mode == "block" else None,
            limit=watch.failed_sign_ins,
            window=watch.failed_sign_ins_window,
            seconds=watch.throttle,
        )
        self._attach(bus.subscribe, detector)
        self._attach(bus.subscribe, AlertLine())
        if sys.stderr.isatty() and watch.log != "-":
            replaced = watch.application_logs == "replace"
            redact = Redactor(live.values)
            terminal = Terminal(sys.stderr, redact=redact, application=replaced)
            self._attach(bus.subscribe, terminal)

    def _keep_audit_log(self, secrets: LiveSecrets) -> None:
        from stockade.watch.audit.log import AuditTrail
        from stockade.watch.audit.personal import Personal

        watch = self.settings.watch
        trail = self.audit = AuditTrail(
            self.path(watch.audit),
            signer=self._log_signer,
            secrets=secrets,
            storage=self._audit_store(),
            origin=watch.audit_origin,
            seconds=watch.audit_seconds,
            tell_seconds=watch.audit_checkpoints,
            days=watch.audit_days,
            prepare=Personal(self.persons) if watch.audit_personal == "sealed" else None,
        )
        self._attach(bus.subscribe_audit, trail.append)
        self._closers += (trail.close, bus.flush)  # its last checkpoint reaches the log
        self._files.append(trail.file)

    def _log_signer(self, origin: str) -> LogSigner:
        return self.keyring.log_signer(origin)  # the keyring is read by the log's own thread

    def _audit_store(self) -> Storage | None:
        """Where the tiles of the audit log go, if not below its folder."""
        url = self.settings.watch.audit_store
        if not url:
            return None
        from stockade.watch.audit.object_store import ObjectStore

        return ObjectStore.open(url)

    def _take_logs(self) -> None:
        """Put what the application logs into the stream of events."""
        watch, otel = self.settings.watch, self.settings.otel
        mode = watch.application_logs
        if mode == "leave" or not (watch.log or watch.otel or otel.endpoint):
            return
        from stockade.secrets import live
        from stockade.watch.application_log import ApplicationLog

        log = ApplicationLog(mode, level=watch.application_level, secrets=live)
        log.install()
        self._closers.insert(0, log.close)

    def _replace_access_log(self) -> None:
        """Once an application is guarded: before that, nobody else would say its requests."""
        watch = self.settings.watch
        if watch.access_log == "replace" and watch.log:
            from stockade.integrations import access_log

            access_log.replace()
            self._closers.append(access_log.restore)

    def _look_after(self) -> None:
        """Have the health of each defence looked at, and the metrics read and served."""
        from stockade.firewall import condition as sinks
        from stockade.watch import condition

        blocks = self.settings.defence.mode == "block"
        health.watch("bus", condition.bus_probe(bus))
        health.watch("receivers", condition.receivers_probe(bus))
        for file in self._files:
            health.watch(file.kind, condition.file_probe(file))
        if self.audit is not None:
            required = self.settings.watch.audit_failure == "refuse"
            health.watch("audit", condition.audit_probe(self.audit), required=required)
        if self.settings.defence.mode != "off":
            health.watch("firewall", sinks.probe(firewall), required=blocks)
        self._measure()
        self._export()
        self._attach(bus.subscribe, health.checker)
        health.checker.start()
        self._closers.append(partial(health.checker.close, last=False))

    def _measure(self) -> None:
        watch = self.settings.watch

        def folder(address: str) -> Path | None:
            if not watch.run or address.endswith(":0"):  # whose port is any, shares it with nobody
                return None
            return self.path(watch.run) / f"metrics-{address}"

        if watch.metrics:
            from stockade.watch.metrics import Metrics

            metrics = Metrics(folder=folder(watch.metrics), readings=[self._readings])
            self._publish("metrics", metrics.serve(watch.metrics))
        if watch.health and not watch.health.startswith("/") and watch.health != watch.metrics:
            from stockade.watch.metrics import Counts, health_pages

            counts = Counts(folder=folder(watch.health))
            self._publish("health", health_pages.serve(counts, watch.health))

    def _listen(self) -> None:
        """Tell of what fails silently, and of who does not live any more."""
        from stockade.watch.silence import Silence

        watch = self.settings.watch
        if watch.silence:
            self._silence = Silence(loop_stall=watch.loop_stall)
            self._silence.install()
            self._attach(bus.subscribe, self._silence.reporter)
        if watch.heartbeat > 0:
            self._attach(bus.subscribe, self.liveness.beat)
            self.liveness.start()

    def _fall_silent(self) -> None:
        """Before anything else is closed: what waits is told, and this process leaves the store."""
        if self._silence is not None:
            self._silence.close()
        if "liveness" in vars(self):
            self.liveness.close()

    def _export(self) -> None:
        """Send logs, metrics and traces to a collector, where one is configured."""
        settings = self.settings.otel
        if not (settings.endpoint or self.settings.watch.otel):
            return
        from stockade.core.secret import Redactor
        from stockade.secrets import live
        from stockade.watch.metrics import Counts
        from stockade.watch.otel import OpenTelemetry

        counts = Counts(readings=[self._readings])
        telemetry = OpenTelemetry(settings, read=counts.read, redact=Redactor(live.values))
        self._telemetry = telemetry
        health.watch("otel", telemetry.verdict)
        self._attach(bus.subscribe, telemetry)
        self._closers.append(telemetry.close)
        telemetry.start()

    def _publish(self, name: str, server: Server) -> None:
        health.watch(name, server.verdict)
        self._attach(bus.subscribe, server.publisher)
        self._closers.append(server.close)

    def _readings(self) -> Iterator[Reading]:
        """The numbers of what is in use, beyond those of bus and tally."""
        from stockade.crypto import condition as keys
        from stockade.secrets import condition as secrets
        from stockade.watch import condition

        yield from condition.file_readings(self._files)
        if self.audit is not None:
            yield from condition.audit_readings(self.audit)
        if self._telemetry is not None:
            yield from self._telemetry.readings()
        made = vars(self)  # asking for one that nobody has used would make it
        if "keyring" in made:
            yield from keys.readings(self.keyring)
        if "secrets" in made:
            yield from secrets.readings(self.secrets)

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
        from stockade.stores.condition import verdict

        url = self.settings.store.url
        kind, _, path = url.rpartition("sqlite:")
        in_memory = url in ("memory", ":memory:", "sqlite::memory:")
        store = open_store(url if in_memory or kind else str(self.path(path)))
        self._closers.insert(0, store.close)
        health.watch("store", partial(verdict, store), required=True)
        return store

    @cached_property
    def keyring(self) -> Keyring:
        """The keys, made at the first use where there are none."""
        from stockade.crypto import Keyring
        from stockade.crypto.condition import verdict

        keyring = Keyring.open(self.path(self.settings.crypto.keyring), create=True)
        health.watch("keyring", partial(verdict, keyring), required=True)
        return keyring

    @cached_property
    def persons(self) -> PersonalKeys:
        """The keys by which persons in the audit log can be forgotten."""
        from stockade.crypto.personal_keys import PersonalKeys

        keyring = self.keyring
        return PersonalKeys(
            self.path(self.settings.watch.audit_keys),
            keyring.sealer("audit", "persons"),
            keyring.mac("persons"),
        )

    @cached_property
    def event(self) -> ApplicationEvents:
        """Publishes events that only the application can tell: `event("sensitive_read", …)`."""
        from stockade.watch.vocabulary import ApplicationEvents

        return ApplicationEvents(self.keyring.mac)

    @cached_property
    def liveness(self) -> Liveness:
        """The signs of life of this process and of the jobs that share its store."""
        from stockade.watch.liveness import Liveness

        return Liveness(lambda: self.store, self.settings.watch.heartbeat)

    def job(self, name: str, *, every: float | None = None, grace: float = 0.0) -> Job:
        """A job whose failure, death and absence are events; see `stockade.watch.liveness.jobs`.

        `every` and `grace` are seconds. Raises ConfigError for a name or number that cannot be.
        """
        return self.liveness.jobs.job(name, every=every, grace=grace)

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

    def steps(self, name: str, *steps: str, pause: float = 0.0, seconds: float = 3_600.0) -> Steps:
        """A process of several steps that are taken in order, each in `pause` seconds or more."""
        from stockade.boundary import Steps

        return Steps(self.store, name, *steps, pause=pause, seconds=seconds, clock=time.time)

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
    def tickets(self) -> Tickets:
        """Tickets that open a WebSocket for a session, once."""
        from stockade.access import Tickets

        return Tickets(self.store, self.sessions)

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
        from stockade.secrets.condition import verdict

        secrets = Secrets(self.settings.secrets)
        health.watch("secrets", partial(verdict, secrets), required=True)
        return secrets

"""What watches one application: log, audit log, detection, metrics, traces, health, silence.

Each is attached to the bus here, and let go of by the closers of the application's parts. What
their threads need is imported and made here too: a server may fork its workers at any moment, and
what a thread of the parent is importing by then, the workers wait for in vain.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stockade.app.parts import Parts, firewall
from stockade.core.bus import bus
from stockade.core.errors import StockadeError
from stockade.core.health import health
from stockade.core.tally import Reading

if TYPE_CHECKING:
    from stockade.core.ports import LiveSecrets, LogSigner
    from stockade.watch.appender import Appender
    from stockade.watch.audit.log import AuditTrail
    from stockade.watch.audit.storage import Storage
    from stockade.watch.log import JsonLog
    from stockade.watch.metrics import Server
    from stockade.watch.otel import OpenTelemetry
    from stockade.watch.silence import Silence

__all__ = ["Watching"]


class _LateThrottle:
    """The application's throttle, made at the first detection: most processes never need one."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def wait(self, client: str, account: str) -> float:
        return self._parts.throttle.wait(client, account)

    def throttle(self, client: str, account: str, *, seconds: float, reason: str) -> None:
        self._parts.throttle.throttle(client, account, seconds=seconds, reason=reason)


class Watching:
    """The watch over one application, as its settings want it."""

    def __init__(self, parts: Parts) -> None:
        self.settings = parts.settings
        self.log: JsonLog | None = None
        self.audit: AuditTrail | None = None
        self._parts = parts
        self._files: list[Appender] = []
        self._telemetry: OpenTelemetry | None = None
        self._silence: Silence | None = None

    def begin(self) -> None:
        """Attach everything to the bus, but for the application's own log lines."""
        self._watch()
        self._look_after()
        self._listen()

    @property
    def monitors(self) -> list[str]:
        """Which of them are on, for the events that tell of it."""
        watch = self.settings.watch
        on = {
            "log": watch.log,
            "audit": watch.audit,
            "metrics": watch.metrics,
            "silence": watch.silence,
            "heartbeat": watch.heartbeat,
            "firewall": self.settings.defence.mode != "off",
        }
        return [monitor for monitor, value in on.items() if value]

    def recorded(self) -> bool:
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
            file = watch.log if watch.log == "-" else self._parts.path(watch.log)
            self.log = JsonLog(file, secrets=live, ocsf=watch.format == "ocsf")
            self._attach(bus.subscribe, self.log)
            self._parts.closers.append(self.log.close)
            self._files.append(self.log.file)
        detector = FailedSignIns(
            _LateThrottle(self._parts) if mode == "block" else None,
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
        self._make("keyring")
        trail = self.audit = AuditTrail(
            self._parts.path(watch.audit),
            signer=self._log_signer,
            secrets=secrets,
            storage=self._audit_store(),
            origin=watch.audit_origin,
            seconds=watch.audit_seconds,
            tell_seconds=watch.audit_checkpoints,
            days=watch.audit_days,
            prepare=Personal(self._parts.persons) if watch.audit_personal == "sealed" else None,
        )
        self._attach(bus.subscribe_audit, trail.append)
        self._parts.closers += (trail.close, bus.flush)  # its last checkpoint reaches the log
        self._files.append(trail.file)

    def _log_signer(self, origin: str) -> LogSigner:
        return self._parts.keyring.log_signer(origin)

    def _audit_store(self) -> Storage | None:
        """Where the tiles of the audit log go, if not below its folder."""
        url = self.settings.watch.audit_store
        if not url:
            return None
        from stockade.watch.audit.object_store import ObjectStore

        return ObjectStore.open(url)

    def take_logs(self) -> None:
        """Put what the application logs into the stream of events."""
        watch, otel = self.settings.watch, self.settings.otel
        mode = watch.application_logs
        if mode == "leave" or not (watch.log or watch.otel or otel.endpoint):
            return
        from stockade.secrets import live
        from stockade.watch.application_log import ApplicationLog

        log = ApplicationLog(mode, level=watch.application_level, secrets=live)
        log.install()
        self._parts.closers.insert(0, log.close)

    def replace_access_log(self) -> None:
        """Once an application is guarded: before that, nobody else would say its requests."""
        watch = self.settings.watch
        if watch.access_log == "replace" and watch.log:
            from stockade.integrations import access_log

            access_log.replace()
            self._parts.closers.append(access_log.restore)

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
        self._parts.closers.append(partial(health.checker.close, last=False))

    def _measure(self) -> None:
        watch = self.settings.watch

        def folder(address: str) -> Path | None:
            if not watch.run or address.endswith(":0"):  # whose port is any, shares it with nobody
                return None
            return self._parts.path(watch.run) / f"metrics-{address}"

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
            self._make("store")
            self._attach(bus.subscribe, self._parts.liveness.beat)
            self._parts.liveness.start()

    def fall_silent(self) -> None:
        """Before anything else is closed: what waits is told, and this process leaves the store."""
        if self._silence is not None:
            self._silence.close()
        if "liveness" in vars(self._parts):
            self._parts.liveness.close()

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
        self._parts.closers.append(telemetry.close)
        telemetry.start()

    def _publish(self, name: str, server: Server) -> None:
        health.watch(name, server.verdict)
        self._attach(bus.subscribe, server.publisher)
        self._parts.closers.append(server.close)

    def _readings(self) -> Iterator[Reading]:
        """The numbers of what is in use, beyond those of bus and tally."""
        from stockade.watch import condition

        yield from condition.file_readings(self._files)
        if self.audit is not None:
            yield from condition.audit_readings(self.audit)
        if self._telemetry is not None:
            yield from self._telemetry.readings()
        made = vars(self._parts)  # asking for one that nobody has used would make it
        if "keyring" in made:
            from stockade.crypto import condition as keys

            yield from keys.readings(self._parts.keyring)
        if "secrets" in made:
            from stockade.secrets import condition as secrets

            yield from secrets.readings(self._parts.secrets)

    def _make(self, part: str) -> None:
        """Make a part that a thread will ask for."""
        with contextlib.suppress(StockadeError, OSError):  # the thread asks again, and tells of it
            getattr(self._parts, part)

    def _attach(self, subscribe: Callable[[Any], None], subscriber: Any) -> None:
        subscribe(subscriber)
        self._parts.closers.append(partial(bus.unsubscribe, subscriber))

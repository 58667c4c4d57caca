"""Watch: against silent failure.

Every defence publishes events on `stockade.core.bus`; this part is what listens. Choose:

- `JsonLog` writes all events as JSON lines, in batches; a full disk delays it and is told.
- `AuditTrail` writes the audit events before the request is answered, and signs what it wrote: a
  SIGKILL loses none of them, and edits show (`stockade.watch.audit`).
- `Metrics` gives Prometheus the counts of all processes of a service (extra `stockade[watch]`);
  `OpenTelemetry` sends logs, metrics and traces to a collector (extra `stockade[otel]`).
- `FailedSignIns` notices guessing of passwords and throttles who does it.
- `ApplicationLog` puts what the application logs into the same stream; `LogHandler` does so for
  those who configure logging themselves, `structlog_processors` for structlog.
- `Silence` tells of what fails where nobody would notice; `Liveness` of processes and jobs that
  died or did not run. `ApplicationEvents` publishes what only the application can tell.
- `AlertLine` tells a person on standard error what must not wait; `Terminal` shows what is
  blocked or observed while somebody looks on.

All of them fail open, for a log must not stop the service, and loudly: a line on standard error,
a metric, an event.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stockade.watch.alert import AlertLine
    from stockade.watch.application_log import ApplicationLog, LogHandler
    from stockade.watch.audit.log import AuditTrail
    from stockade.watch.detection import FailedSignIns
    from stockade.watch.liveness import Liveness
    from stockade.watch.log import JsonLog
    from stockade.watch.metrics import Metrics
    from stockade.watch.otel import OpenTelemetry
    from stockade.watch.silence import Silence
    from stockade.watch.terminal import Terminal
    from stockade.watch.vocabulary import ApplicationEvents

__all__ = [
    "AlertLine",
    "ApplicationEvents",
    "ApplicationLog",
    "AuditTrail",
    "FailedSignIns",
    "JsonLog",
    "Liveness",
    "LogHandler",
    "Metrics",
    "OpenTelemetry",
    "Silence",
    "Terminal",
]

_HOME = {
    "AlertLine": "alert",
    "ApplicationEvents": "vocabulary",
    "ApplicationLog": "application_log",
    "AuditTrail": "audit.log",
    "FailedSignIns": "detection",
    "JsonLog": "log",
    "Liveness": "liveness",
    "LogHandler": "application_log",
    "Metrics": "metrics",
    "OpenTelemetry": "otel",
    "Silence": "silence",
    "Terminal": "terminal",
}


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(f"stockade.watch.{_HOME[name]}"), name)
    raise AttributeError(f"module 'stockade.watch' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

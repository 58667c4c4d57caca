"""Watch: against silent failure.

Every defence publishes events on `stockade.core.bus`; this part is what listens. Choose:

- `JsonLog` writes all events as JSON lines, in batches; a full disk delays it and is told.
- `Journal` writes the audit events before the request is answered; a SIGKILL loses none of them.
- `Metrics` gives Prometheus the counts (extra `stockade[watch]`).
- `FailedSignIns` notices guessing of passwords and throttles who does it.
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
    from stockade.watch.detection import FailedSignIns
    from stockade.watch.journal import Journal
    from stockade.watch.log import JsonLog
    from stockade.watch.metrics import Metrics
    from stockade.watch.terminal import Terminal

__all__ = ["AlertLine", "FailedSignIns", "Journal", "JsonLog", "Metrics", "Terminal"]

_HOME = {
    "AlertLine": "alert",
    "FailedSignIns": "detection",
    "Journal": "journal",
    "JsonLog": "log",
    "Metrics": "metrics",
    "Terminal": "terminal",
}


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(f"stockade.watch.{_HOME[name]}"), name)
    raise AttributeError(f"module 'stockade.watch' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

"""Numbers for Prometheus: read from bus and tally when somebody scrapes, summed up over processes.

Nothing here runs on a request's path. Each process publishes its counts in a folder, twice a
second where they change; one of them, whichever came first, listens and answers for all, and when
it ends another takes over. What is scraped is exact half a second after the traffic has stopped; a
SIGKILL takes with it what a process counted in its last half second. The number of series is
bounded: see docs/reference/metrics.md.

    metrics = Metrics(folder=".stockade/run/metrics")
    metrics.serve("127.0.0.1:9464")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stockade.watch.metrics.catalogue import METRICS
    from stockade.watch.metrics.counts import Counts
    from stockade.watch.metrics.metrics import Metrics
    from stockade.watch.metrics.server import Server

__all__ = ["METRICS", "Counts", "Metrics", "Server"]

_HOME = {"METRICS": "catalogue", "Counts": "counts", "Metrics": "metrics", "Server": "server"}


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(f"stockade.watch.metrics.{_HOME[name]}"), name)
    raise AttributeError(f"module 'stockade.watch.metrics' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

"""The metrics of a service, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from stockade.core.bus import Bus
from stockade.core.bus import bus as process_bus
from stockade.core.health import Health
from stockade.core.health import health as process_health
from stockade.core.tally import Readings, Tally
from stockade.core.tally import tally as process_tally
from stockade.watch.metrics import health_pages
from stockade.watch.metrics.counts import Counts
from stockade.watch.metrics.endpoint import Answer
from stockade.watch.metrics.exposition import ASGIApplication, Exposition
from stockade.watch.metrics.server import Server

__all__ = ["Metrics"]


class Metrics:
    """Stockade's own registry: nothing of the application's, and nothing in the application's."""

    def __init__(
        self,
        bus: Bus = process_bus,
        tally: Tally = process_tally,
        health: Health = process_health,
        *,
        folder: str | Path | None = None,
        readings: Iterable[Readings] = (),
    ) -> None:
        """As `Counts`. Raises ConfigError where the folder cannot be used."""
        self.counts = Counts(bus, tally, health, folder=folder, readings=readings)
        self._exposition = Exposition(self.counts.total)

    def exposition(self) -> bytes:
        """All metrics in the text format of Prometheus."""
        return self._exposition.text()

    def asgi_app(self) -> ASGIApplication:
        """An ASGI application to mount; guard it, for routes and rules are told to whoever asks."""
        return self._exposition.asgi_app()

    def page(self, accept: str) -> Answer:
        """The exposition in the format that is asked for: Prometheus's text, or OpenMetrics."""
        return Answer(200, *self._exposition.negotiated(accept))

    def serve(self, address: str) -> Server:
        """Publish, and serve on `host:port`: /metrics, /livez and /readyz; port 0 takes a free one.

        Where another process of this service listens there, this one stands by to take over.
        Raises ConfigError where the address is malformed, unknown, or taken by anybody else.
        """
        pages = {"/metrics": self.page, **health_pages.pages(self.counts)}
        return Server(self.counts, address, pages, setting="watch.metrics")

"""Numbers for Prometheus, read from the bus and the tally when somebody scrapes.

Nothing here runs on a request's path. The number of series is bounded: routes by the tally, event
names by the catalogue, rules by the bus.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any, cast

from stockade.core.bus import Bus
from stockade.core.bus import bus as process_bus
from stockade.core.errors import ConfigError
from stockade.core.events import Lane
from stockade.core.tally import BOUNDS, Tally
from stockade.core.tally import tally as process_tally

try:
    from prometheus_client import CollectorRegistry, generate_latest, make_asgi_app
    from prometheus_client import start_http_server as _start_http_server
    from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
    from prometheus_client.metrics_core import Metric
    from prometheus_client.registry import Collector
except ImportError:
    raise ConfigError(
        "metrics need prometheus-client, which is not installed: pip install 'stockade[watch]'"
    ) from None

__all__ = ["Metrics", "MetricsServer"]

Message = MutableMapping[str, Any]
ASGIApplication = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
    Awaitable[None],
]
_SECOND = 1e9
_UNATTRIBUTED = "unattributed"
_FILES = ("journal", "log")


class MetricsServer:
    """A running scrape endpoint; `port` is the one it listens on."""

    def __init__(self, server: Any, thread: Any) -> None:
        self._server = server
        self._thread = thread
        self.port: int = server.server_port

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Metrics:
    """Stockade's own registry: nothing of the application's, and nothing in the application's."""

    def __init__(self, bus: Bus = process_bus, tally: Tally = process_tally) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(_Rows(bus, tally))

    def exposition(self) -> bytes:
        """All metrics in the text format of Prometheus."""
        return generate_latest(self.registry)

    def asgi_app(self) -> ASGIApplication:
        """An ASGI application to mount; guard it, for routes and rules are told to whoever asks."""
        return cast(ASGIApplication, make_asgi_app(self.registry))

    def serve(self, address: str) -> MetricsServer:
        """Serve on `host:port` from a thread of its own; port 0 takes a free one.

        Raises ConfigError where the address is malformed, unknown or taken.
        """
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal() or int(port) > 65_535:
            raise ConfigError(
                f"watch.metrics is {address!r}, not host:port; write for example '127.0.0.1:9464'"
            )
        try:
            started = _start_http_server(int(port), host.strip("[]"), self.registry)
        except OSError as error:
            raise ConfigError(
                f"watch.metrics cannot listen on {address} ({error.strerror}); choose another "
                "port, or stop what listens there"
            ) from None
        return MetricsServer(*started)


class _Rows(Collector):
    def __init__(self, bus: Bus, tally: Tally) -> None:
        self._bus = bus
        self._tally = tally

    def collect(self) -> Iterator[Metric]:
        # list(dict.items()) is one step of the interpreter: nobody changes the size meanwhile.
        yield from self._requests()
        yield from self._events()
        yield from self._sinks()
        yield _counter(
            "log_write_failures", "Failed writes.", ["file"], self._by_file("log_failures")
        )
        yield _counter(
            "log_lines_lost",
            "Lines that neither file nor memory could take.",
            ["file"],
            self._by_file("log_lost"),
        )

    def _requests(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "stockade_requests", "Requests answered.", labels=["route", "status"]
        )
        durations = HistogramMetricFamily(
            "stockade_request_duration_seconds",
            "From the request's first byte to the end of the answer.",
            labels=["route", "status"],
        )
        for status, rows in sorted(self._tally.rows.copy().items()):
            for route, row in list(rows.items()):
                labels = [route, str(status)]
                requests.add_metric(labels, row.n)
                buckets, below = [], 0
                for bound, count in zip((*BOUNDS, None), row.buckets, strict=True):
                    below += count
                    buckets.append(("+Inf" if bound is None else str(bound / _SECOND), below))
                durations.add_metric(labels, buckets, row.nanoseconds / _SECOND)
        yield requests
        yield durations
        yield _counter(
            "requests_route_overflow",
            "Requests counted under the route (other), for there are too many routes.",
            [],
            {(): self._tally.overflowed},
        )

    def _events(self) -> Iterator[Metric]:
        counts = dict(list(self._bus.counts.items()))
        yield _counter(
            "events",
            "Events published; plain requests are in stockade_requests_total.",
            ["name", "outcome", "rule"],
            {(name, str(outcome), rule): n for (name, outcome, rule), n in counts.items()},
        )
        detections: dict[tuple[str, ...], int] = {}
        for (name, _, rule), n in counts.items():
            if name == "detection_raised":
                detections[(rule,)] = detections.get((rule,), 0) + n
        yield _counter("detections", "Detections raised.", ["rule"], detections)
        yield _counter(
            "events_dropped",
            "Events that did not fit into the queue.",
            ["lane"],
            {(lane.value,): self._bus.dropped[lane.value] for lane in Lane},
        )
        yield _counter(
            "subscriber_failures",
            "Crashes of a receiver of events.",
            ["subscriber"],
            {(who,): n for who, n in list(self._bus.failures.items())},
        )

    def _sinks(self) -> Iterator[Metric]:
        self._tally.before_reading()
        sinks = list(self._tally.sinks.items())
        yield _counter(
            "sinks_checked",
            "Calls of guarded sinks.",
            ["family", "outcome"],
            {key: n for key, n in sinks if key[1] != _UNATTRIBUTED},
        )
        yield _counter(
            "sink_unattributed",
            "Calls of guarded sinks outside any request, where inputs are unknown.",
            ["family"],
            {(family,): n for (family, outcome), n in sinks if outcome == _UNATTRIBUTED},
        )

    def _by_file(self, name: str) -> dict[tuple[str, ...], int]:
        counts = getattr(self._tally, name)
        return {(file,): counts[file] for file in _FILES}


def _counter(
    name: str, text: str, labels: list[str], values: dict[tuple[str, ...], int]
) -> CounterMetricFamily:
    family = CounterMetricFamily(f"stockade_{name}", text, labels=labels)
    for key, value in sorted(values.items()):
        family.add_metric(list(key), value)
    return family

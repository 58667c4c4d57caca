"""Sums as metric families of prometheus-client, in a registry of our own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any, cast

from stockade.core.errors import ConfigError
from stockade.core.tally import BOUNDS
from stockade.watch.metrics.catalogue import METRICS, Metric
from stockade.watch.metrics.snapshot import Labels, Row, Sums

try:
    from prometheus_client import CollectorRegistry, generate_latest, make_asgi_app
    from prometheus_client.core import (
        CounterMetricFamily,
        GaugeMetricFamily,
        HistogramMetricFamily,
    )
    from prometheus_client.exposition import choose_encoder
    from prometheus_client.metrics_core import Metric as Family
    from prometheus_client.registry import Collector
except ImportError:
    raise ConfigError(
        "metrics need prometheus-client, which is not installed: pip install 'stockade[watch]'"
    ) from None

__all__ = ["ASGIApplication", "Exposition", "families"]

Message = MutableMapping[str, Any]
ASGIApplication = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
    Awaitable[None],
]

_SECOND = 1e9


class Exposition:
    """What `total` gives, as text."""

    def __init__(self, total: Callable[[], Sums]) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(_Totals(total))

    def text(self) -> bytes:
        """In the text format of Prometheus."""
        return generate_latest(self.registry)

    def negotiated(self, accept: str) -> tuple[str, bytes]:
        """Content type and text in the format that `Accept` asks for: Prometheus's, OpenMetrics."""
        encode, content_type = choose_encoder(accept)
        return content_type, encode(self.registry)

    def asgi_app(self) -> ASGIApplication:
        """An ASGI application to mount."""
        return cast(ASGIApplication, make_asgi_app(self.registry))


class _Totals(Collector):
    def __init__(self, total: Callable[[], Sums]) -> None:
        self._total = total

    def describe(self) -> Iterator[Family]:
        """Nothing: a registry must not make us read everything to learn our names."""
        return iter(())

    def collect(self) -> Iterator[Family]:
        """Every family of the catalogue."""
        return families(self._total())


def families(sums: Sums) -> Iterator[Family]:
    """Every metric of the catalogue, in its order, in that of its labels."""
    for metric in METRICS.values():
        if metric.kind == "histogram":
            yield _histogram(metric, sums.rows)
        elif metric.name == "requests":
            yield _plain(metric, {labels: row[0] for labels, row in sums.rows.items()})
        else:
            yield _plain(metric, sums.numbers.get(metric.name, {}))


def _plain(metric: Metric, values: dict[Labels, float]) -> Family:
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family = kind(f"stockade_{metric.name}", metric.meaning, labels=metric.labels)
    for labels, value in sorted(values.items()):
        family.add_metric(list(labels), value)
    return family


def _histogram(metric: Metric, rows: dict[Labels, Row]) -> Family:
    family = HistogramMetricFamily(f"stockade_{metric.name}", metric.meaning, labels=metric.labels)
    for labels, (_, nanoseconds, counts) in sorted(rows.items()):
        buckets, below = [], 0
        for bound, count in zip((*BOUNDS, None), counts, strict=True):
            below += count
            buckets.append(("+Inf" if bound is None else str(bound / _SECOND), below))
        family.add_metric(list(labels), buckets, nanoseconds / _SECOND)
    return family

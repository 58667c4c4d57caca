"""The counts of this process as OpenTelemetry's metrics, with a trace for each row of requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, cast

from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource

from stockade.core.tally import BOUNDS
from stockade.watch.metrics import catalogue
from stockade.watch.metrics.snapshot import Labels, Snapshot
from stockade.watch.otel.attributes import SCOPE, Value

__all__ = ["Sample", "metrics_data"]

_SECOND = 1e9
_NAMES = {"route": "http.route", "status": "http.response.status_code"}
_UNKNOWN = cast("float", None)
"""Nobody keeps the least and the most: the encoder leaves a None out, its type does not say so."""
_BOUNDS = tuple(bound / _SECOND for bound in BOUNDS)


class Sample(NamedTuple):
    """One request of a row: what stands behind the number."""

    seconds: float
    time: int
    """Nanoseconds since 1970."""
    trace: int
    span: int


def metrics_data(
    snapshot: Snapshot, started: int, of: Resource, samples: Mapping[Labels, Sample]
) -> MetricsData:
    """What `snapshot` holds; `started` is when the counting began, nanoseconds since 1970."""
    now = int(snapshot.time * _SECOND)
    metrics = []
    for metric in catalogue.METRICS.values():
        if metric.kind == "histogram":
            metrics.append(_histogram(metric, snapshot, started, now, samples))
            continue
        values: list[tuple[Labels, float]] = snapshot.numbers.get(metric.name, [])
        if metric.name == "requests":
            values = [(labels, row[0]) for labels, row in snapshot.rows]
        points = [
            NumberDataPoint(_attributes(metric, labels), started, now, value)
            for labels, value in values
        ]
        if points:
            metrics.append(_number(metric, points))
    scope = ScopeMetrics(SCOPE, metrics, "")
    return MetricsData([ResourceMetrics(of, [scope], "")])


def _number(metric: catalogue.Metric, points: list[NumberDataPoint]) -> Metric:
    data: Sum | Gauge
    if metric.kind == "counter":
        data = Sum(points, AggregationTemporality.CUMULATIVE, is_monotonic=True)
    else:
        data = Gauge(points)
    return Metric(*_named(metric), data)


def _histogram(
    metric: catalogue.Metric,
    snapshot: Snapshot,
    started: int,
    now: int,
    samples: Mapping[Labels, Sample],
) -> Metric:
    points = [
        HistogramDataPoint(
            attributes=_attributes(metric, labels),
            start_time_unix_nano=started,
            time_unix_nano=now,
            count=n,
            sum=nanoseconds / _SECOND,
            bucket_counts=buckets,
            explicit_bounds=_BOUNDS,
            min=_UNKNOWN,
            max=_UNKNOWN,
            exemplars=_exemplars(samples.get(labels)),
        )
        for labels, (n, nanoseconds, buckets) in snapshot.rows
    ]
    return Metric(*_named(metric), Histogram(points, AggregationTemporality.CUMULATIVE))


def _exemplars(sample: Sample | None) -> list[Exemplar]:
    if sample is None:
        return []
    return [Exemplar({}, sample.seconds, sample.time, sample.span, sample.trace)]


def _named(metric: catalogue.Metric) -> tuple[str, str, str]:
    seconds = metric.name.endswith("_seconds")
    return (
        f"stockade.{metric.name.removesuffix('_seconds')}",
        metric.meaning,
        "s" if seconds else "1",
    )


def _attributes(metric: catalogue.Metric, labels: Labels) -> dict[str, Value]:
    named = dict(zip(metric.labels, labels, strict=True))
    found: dict[str, Value] = {
        _NAMES.get(name, f"stockade.{name}"): value for name, value in named.items()
    }
    if "status" in named and metric.name.startswith("request"):
        found[_NAMES["status"]] = int(named["status"])
    return found

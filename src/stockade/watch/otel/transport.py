"""The exporter of one kind of telemetry, and what the collector answered it.

OpenTelemetry's own exporter speaks OTLP/HTTP and obeys the standard variables; but all it says of a
failure is that there was one, and a partial success it takes for a whole one. So its session is
ours, with a hook that reads status and answer.
"""

from __future__ import annotations

import logging
import netrc  # noqa: F401 - requests does at the first request, in a thread, amid forks
import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import requests
from opentelemetry.context import (
    _SUPPRESS_INSTRUMENTATION_KEY,
    attach,
    detach,
    set_value,
)
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

__all__ = ["Answer", "Transport"]

_EXPORTERS: dict[str, Callable[..., Any]] = {
    "logs": OTLPLogExporter,
    "metrics": OTLPMetricExporter,
    "traces": OTLPSpanExporter,
}
_REJECTED: dict[str, tuple[Any, str]] = {
    "logs": (ExportLogsServiceResponse, "rejected_log_records"),
    "metrics": (ExportMetricsServiceResponse, "rejected_data_points"),
    "traces": (ExportTraceServiceResponse, "rejected_spans"),
}
_FOR_GOOD = frozenset((400, 413, 415, 422))
_MAX_ANSWER = 65_536
_LOGGERS = (
    "opentelemetry.exporter.otlp.common.http",
    "opentelemetry.exporter.otlp.proto.http._log_exporter",
    "opentelemetry.exporter.otlp.proto.http.metric_exporter",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
)


class Answer(NamedTuple):
    """What became of a batch."""

    taken: bool
    rejected: int = 0
    """Items of a batch that was taken otherwise."""
    for_good: bool = False
    """Whether sending it again is no use."""


class Transport:
    """Opens the exporter at the first batch, on the thread that sends."""

    def __init__(self, signal: str, endpoint: str) -> None:
        """`endpoint` is the collector's base address; empty: as the standard variables say."""
        self._signal = signal
        self._endpoint = f"{endpoint.rstrip('/')}/v1/{signal}" if endpoint else None
        self.start_over()

    def start_over(self) -> None:
        """Forget the exporter: after a fork its connection is the parent's."""
        self._exporter: Any = None
        self._status = 0
        self._rejected = 0

    def send(self, batch: Sequence[Any]) -> Answer:
        """Send a batch; of metrics, the one item that it holds."""
        self._status = self._rejected = 0
        token = attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
        try:
            if self._exporter is None:
                self._exporter = self._open()
            what = batch[0] if self._signal == "metrics" else batch
            done = self._exporter.export(what)
        finally:
            detach(token)
        if done.name == "SUCCESS":
            return Answer(True, min(self._rejected, len(batch)))
        return Answer(False, for_good=self._status in _FOR_GOOD)

    def close(self) -> None:
        """Give up what is being sent at its next step."""
        exporter, self._exporter = self._exporter, None
        if exporter is not None:
            exporter.shutdown()

    def _open(self) -> Any:
        session = requests.Session()
        session.hooks["response"].append(self._hear)
        for name in _LOGGERS:
            logging.getLogger(name).addFilter(_not_ours)  # the same one: added once
        return _EXPORTERS[self._signal](endpoint=self._endpoint, session=session)

    def _hear(self, response: requests.Response, *args: object, **kwargs: object) -> None:
        self._status = response.status_code
        message, field = _REJECTED[self._signal]
        if response.ok and 0 < len(response.content) <= _MAX_ANSWER:
            try:
                partial = message.FromString(response.content).partial_success
                self._rejected = max(0, getattr(partial, field))
            except Exception:  # a collector that answers something else took it all the same
                self._rejected = 0


def _not_ours(record: logging.LogRecord) -> bool:
    # Of our own failures the health tells, once; an application's exporter still logs its own.
    return not threading.current_thread().name.startswith("stockade-otel")

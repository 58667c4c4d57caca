"""A batch subscriber that hands events to the channels, and the counts at each interval."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from opentelemetry.trace import get_current_span

from stockade.core import spans
from stockade.core.config import OtelSettings
from stockade.core.events import Event
from stockade.core.health import OK, State, Verdict
from stockade.core.periodic import Periodic
from stockade.core.tally import Reading
from stockade.watch.metrics.snapshot import Labels, Snapshot
from stockade.watch.otel.attributes import Redact, ids, resource
from stockade.watch.otel.channel import Channel
from stockade.watch.otel.logs import log_record
from stockade.watch.otel.metrics import Sample, metrics_data
from stockade.watch.otel.spans import Ratio, server_span
from stockade.watch.otel.transport import Transport

__all__ = ["OpenTelemetry"]

_MAX_SAMPLES = 5_000
_ACCESS = "http_request"


class OpenTelemetry:
    """`bus.subscribe(OpenTelemetry(settings.otel, read=counts.read))`; then `start`."""

    def __init__(
        self,
        settings: OtelSettings,
        *,
        read: Callable[[], Snapshot],
        redact: Redact = str,
    ) -> None:
        """`read` gives this process's counts, `redact` masks live secrets in a text."""
        self.sampled_out = 0
        """Spans that were not sent, by the settings' ratio."""
        self._settings, self._read, self._redact = settings, read, redact
        self._ratio = Ratio(settings.ratio)
        self._samples: dict[Labels, Sample] = {}
        self._start_over()
        self._logs = self._channel("logs", settings.logs, self._log_record)
        self._traces = self._channel("traces", settings.traces, self._span)
        self._metrics = self._channel("metrics", settings.metrics, lambda data: data)
        self._reader = Periodic("otel-reader", self._read_metrics, seconds=settings.interval)

    def _start_over(self) -> None:
        self._pid = os.getpid()
        self._started = time.time_ns()
        self._resource = resource(self._settings.service, str(uuid.uuid4()))

    def _channel(
        self, signal: str, wanted: bool, prepare: Callable[[Any], Any]
    ) -> Channel[Any] | None:
        if not wanted:
            return None
        capacity = 1 if signal == "metrics" else self._settings.queue
        transport = Transport(signal, self._settings.endpoint)
        return Channel(signal, transport, prepare, capacity=capacity)

    def start(self) -> None:
        """Begin to send."""
        spans.active = _active
        for channel in self._channels():
            channel.sender.start()
        if self._metrics is not None:
            self._reader.start()

    def __call__(self, events: Sequence[Event]) -> None:
        """Take a batch of the bus in; never waits."""
        if self._pid != os.getpid():
            self._start_over()
            self._samples.clear()
            self.sampled_out = 0
        traced, logged = [], []
        for event in events:
            if event.name != _ACCESS:
                logged.append(event)
            elif self._traces is None:
                logged.append(event)
                self._remember(event, 0, 0)
            else:
                trace, span = ids(event)
                if "span_id" in event.details:  # the application has made its own span of it
                    self._remember(event, trace, span)
                elif self._ratio(event, trace):
                    traced.append(event)
                    self._remember(event, trace, span)
                else:
                    self.sampled_out += 1
        if self._traces is not None:
            self._traces.offer(traced)
        if self._logs is not None:
            self._logs.offer(logged)
        for channel in self._channels():
            channel.sender()
        if self._metrics is not None:
            self._reader()

    def verdict(self) -> Verdict:
        """The worst of the channels', for the health."""
        verdicts = [channel.verdict() for channel in self._channels()]
        for state in (State.FAILED, State.DEGRADED):
            for verdict in verdicts:
                if verdict.state is state:
                    return verdict
        return OK

    def readings(self) -> Iterator[Reading]:
        """For the metrics."""
        yield "otel_spans_sampled_out", (), self.sampled_out
        for channel in self._channels():
            yield from channel.readings()

    def close(self) -> None:
        """Send what waits, for a few seconds at most."""
        spans.active = None
        if self._metrics is not None:
            self._reader.close()
        for channel in self._channels():
            channel.close()

    def _channels(self) -> list[Channel[Any]]:
        return [one for one in (self._logs, self._traces, self._metrics) if one is not None]

    def _remember(self, event: Event, trace: int, span: int) -> None:
        """Keep the slowest request of each row, until the next reading of the metrics."""
        row = (event.resource, str(event.details["status"]))
        seconds = event.details["duration_us"] / 1e6
        known = self._samples.get(row)
        if trace and (known.seconds < seconds if known else len(self._samples) < _MAX_SAMPLES):
            moment = int(event.time.timestamp() * 1e9)
            self._samples[row] = Sample(seconds, moment, trace, span)

    def _read_metrics(self) -> None:
        if self._metrics is None or self._metrics.waiting:
            return  # what waits will be followed by a reading that says the same and more
        samples, self._samples = self._samples, {}
        snapshot = self._read()
        self._metrics.offer([metrics_data(snapshot, self._started, self._resource, samples)])
        self._metrics.sender.hurry()

    def _log_record(self, event: Event) -> Any:
        sampled = self._traces is not None and self._ratio(event, ids(event)[0])
        return log_record(event, self._resource, self._redact, sampled=sampled)

    def _span(self, event: Event) -> Any:
        return server_span(event, self._resource, self._redact)


def _active() -> tuple[str, str] | None:
    context = get_current_span().get_span_context()
    return (f"{context.trace_id:032x}", f"{context.span_id:016x}") if context.is_valid else None

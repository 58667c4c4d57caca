"""What others cost for a line of the same ten fields: each set up for speed, as its makers say."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

__all__ = ["FIELDS", "costs", "structlog"]

FIELDS: dict[str, Any] = {
    "client": "203.0.113.7",
    "host": "api-1",
    "method": "POST",
    "path": "/api/v2/auth/{tenant}",
    "reason": "The password is wrong.",
    "request_id": "01J9Z5M0V8Q4T3S7",
    "rule": "access.signin",
    "status": 401,
    "user": "fp:4be1f0c2a9d3",
    "outcome": "blocked",
}
_MESSAGE = "authn_login_fail"


_Call = Callable[[], object]


def costs(lines: int) -> Iterator[tuple[str, Callable[[], float]]]:
    """Each library's name, and a round of it: microseconds of CPU a line, all threads counted."""
    for name, library in (
        ("structlog", structlog),
        ("python-json-logger", _python_json_logger),
        ("opentelemetry, batched to OTLP", _opentelemetry),
        ("logging by way of stockade", _stockade),
    ):
        with library() as (log, finish):

            def cost(log: _Call = log, finish: _Call = finish) -> float:
                started = time.process_time_ns()
                for _ in range(lines):
                    log()
                finish()
                return (time.process_time_ns() - started) / lines / 1_000

            cost()
            yield name, cost


def _nothing() -> None:
    pass


@contextmanager
def structlog() -> Iterator[tuple[_Call, _Call]]:
    """structlog with its context, level, ISO time and JSON, by msgspec, to a bytes logger."""
    import structlog as library

    with open(os.devnull, "wb") as file:
        log = library.wrap_logger(
            library.BytesLogger(file),
            wrapper_class=library.make_filtering_bound_logger(logging.INFO),
            cache_logger_on_first_use=True,
            processors=[
                library.contextvars.merge_contextvars,
                library.processors.add_log_level,
                library.processors.TimeStamper(fmt="iso", utc=True),
                library.processors.JSONRenderer(serializer=_encode),
            ],
        )
        bound = log.bind()
        yield lambda: bound.warning(_MESSAGE, **FIELDS), _nothing


def _encode(value: object, **_: object) -> bytes:
    return _encoder.encode(value)


_encoder = msgspec.json.Encoder()


@contextmanager
def _python_json_logger() -> Iterator[tuple[_Call, _Call]]:
    from pythonjsonlogger.msgspec import MsgspecFormatter

    with _handled(logging.FileHandler(os.devnull)) as (logger, handler):
        handler.setFormatter(MsgspecFormatter("{message}{levelname}{created}", style="{"))
        yield lambda: logger.warning(_MESSAGE, extra=FIELDS), _nothing


@contextmanager
def _stockade() -> Iterator[tuple[_Call, _Call]]:
    """The same call of the standard library, in Stockade's stream; drained on this thread."""
    from stockade.core.bus import bus
    from stockade.watch.application_log import LogHandler
    from stockade.watch.log import JsonLog

    file = JsonLog(os.devnull)
    bus.subscribe(file)
    bus.sample(lines=0)
    with _handled(LogHandler()) as (logger, _):
        yield lambda: logger.warning(_MESSAGE, extra=FIELDS), bus.flush
    bus.unsubscribe(file)
    bus.sample()
    file.close()


@contextmanager
def _handled(handler: logging.Handler) -> Iterator[tuple[logging.Logger, logging.Handler]]:
    logger = logging.getLogger("benchmark")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(handler)
    yield logger, handler
    logger.removeHandler(handler)
    handler.close()


@contextmanager
def _opentelemetry() -> Iterator[tuple[_Call, _Call]]:
    from opentelemetry._logs import LogRecord, SeverityNumber
    from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import (
        BatchLogRecordProcessor,
        LogRecordExporter,
        LogRecordExportResult,
    )

    with open(os.devnull, "wb") as file:

        class Nowhere(LogRecordExporter):
            def export(self, batch: Any) -> LogRecordExportResult:
                file.write(encode_logs(batch).SerializeToString())
                return LogRecordExportResult.SUCCESS

            def shutdown(self) -> None:
                pass

            def force_flush(self, timeout_millis: int = 0) -> bool:
                return True

        provider = LoggerProvider()
        provider.add_log_record_processor(BatchLogRecordProcessor(Nowhere(), max_queue_size=65_536))
        logger = provider.get_logger("benchmark")

        def log() -> None:
            logger.emit(
                LogRecord(
                    timestamp=time.time_ns(),
                    severity_number=SeverityNumber.WARN,
                    severity_text="WARN",
                    body=_MESSAGE,
                    attributes=FIELDS,
                )
            )

        yield log, provider.force_flush
        provider.shutdown()

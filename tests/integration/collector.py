"""A receiver of OTLP over HTTP for tests, which reads what comes by the official message classes."""

from __future__ import annotations

import contextlib
import gzip
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

__all__ = ["Collector", "attributes", "collecting"]

_MESSAGES: dict[str, tuple[Any, Any]] = {
    "/v1/logs": (ExportLogsServiceRequest, ExportLogsServiceResponse),
    "/v1/metrics": (ExportMetricsServiceRequest, ExportMetricsServiceResponse),
    "/v1/traces": (ExportTraceServiceRequest, ExportTraceServiceResponse),
}


class Collector:
    """What it was sent; and how it behaves, which a test may change at any time."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, Any]] = []
        self.status = 200
        self.seconds = 0.0
        """How long an answer takes."""
        self.rejects = 0
        """So many log records of each batch are rejected, and the others taken."""
        self.address = ""

    def logs(self) -> list[Any]:
        return [
            record
            for path, message in list(self.requests)
            if path == "/v1/logs"
            for each in message.resource_logs
            for scope in each.scope_logs
            for record in scope.log_records
        ]

    def spans(self) -> list[Any]:
        return [
            span
            for path, message in list(self.requests)
            if path == "/v1/traces"
            for each in message.resource_spans
            for scope in each.scope_spans
            for span in scope.spans
        ]

    def metrics(self) -> dict[str, Any]:
        """The latest of each name."""
        return {
            metric.name: metric
            for path, message in list(self.requests)
            if path == "/v1/metrics"
            for each in message.resource_metrics
            for scope in each.scope_metrics
            for metric in scope.metrics
        }

    def resources(self) -> list[dict[str, Any]]:
        kinds = {"/v1/logs": "resource_logs", "/v1/traces": "resource_spans"}
        kinds["/v1/metrics"] = "resource_metrics"
        return [
            attributes(each.resource.attributes)
            for path, message in list(self.requests)
            for each in getattr(message, kinds[path])
        ]


def attributes(pairs: Any) -> dict[str, Any]:
    """Names and values of a list of KeyValue."""
    return {pair.key: getattr(pair.value, str(pair.value.WhichOneof("value"))) for pair in pairs}


@contextlib.contextmanager
def collecting(port: int = 0, like: Collector | None = None) -> Iterator[Collector]:
    """A collector on loopback, until the end of the block; `like` goes on with what another had."""
    collector = Collector() if like is None else like

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            time.sleep(collector.seconds)
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            asked, answered = _MESSAGES[self.path]
            answer = answered()
            if collector.status == 200:
                collector.requests.append((self.path, asked.FromString(body)))
                if collector.rejects and self.path == "/v1/logs":
                    answer.partial_success.rejected_log_records = collector.rejects
            data = answer.SerializeToString()
            with contextlib.suppress(OSError):  # who waited may be gone
                self.send_response(collector.status)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        def log_message(self, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # a client that was killed

    server = Server(("127.0.0.1", port), Handler)
    collector.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

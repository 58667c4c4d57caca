"""A server in a process of its own, its CPU time, and a client that checks every answer.

Sixteen keep-alive connections in lockstep: all send, then all receive. The client stays on another
core than the server where there are two; its own cost is not counted.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from benchmarks.claim import Unmeasured

__all__ = ["CONNECTIONS", "Load", "cores", "cpu_nanoseconds", "serving"]

CONNECTIONS = 16
_BROWSER = (
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    b"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    b"Accept-Language: en-US,en;q=0.5\r\n"
    b"Accept-Encoding: gzip, deflate, br, zstd\r\n"
    b"Referer: https://example.com/some/page\r\n"
    b"Cookie: session=abcdef0123456789; theme=dark\r\n"
)


@cache
def cores() -> tuple[int, int]:
    """The core for every server and the one for the client."""
    # Once a process: pinning the client narrows what the kernel would answer the next time, and a
    # second server on the client's core looks a fifth cheaper than it is.
    if not hasattr(os, "sched_getaffinity"):
        raise Unmeasured("the CPU time of a server is read from /proc, which only Linux has")
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[-1]


def cpu_nanoseconds(pid: int) -> int:
    """CPU time of a process so far: all its threads, and its children's."""
    total = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        # A thread may end while it is read; a server's own stay for the whole measurement.
        with suppress(FileNotFoundError, ProcessLookupError):
            total += int((thread / "schedstat").read_text().split()[0])
            for child in (thread / "children").read_text().split():
                total += cpu_nanoseconds(int(child))
    return total


class Load:
    """One server under load. `round()` gives the server's CPU microseconds a request."""

    def __init__(self, pid: int, port: int, log: Path, method: str, path: str, body: bytes) -> None:
        self.pid, self.port = pid, port
        self._log = log
        self.requests = 0
        """Requests sent so far, all of them answered."""
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n".encode() + _BROWSER
        if body:
            head += b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
        self._request = head + b"\r\n" + body
        self._sockets = [
            socket.create_connection(("127.0.0.1", port), 30) for _ in range(CONNECTIONS)
        ]
        self.answer = self._first_answer()

    def _first_answer(self) -> bytes:
        self._sockets[0].sendall(self._request)
        self.requests += 1
        answer = b""
        while b"\r\n\r\n" not in answer or len(answer) < _length(answer):
            answer += self._receive(self._sockets[0])
        return answer

    def round(self, seconds: float) -> float:
        """Send for `seconds`. Raises RuntimeError for any answer unlike the first one."""
        size, status = len(self.answer), self.answer[:12]
        before, sent, end = cpu_nanoseconds(self.pid), 0, time.monotonic() + seconds
        while time.monotonic() < end:
            for connection in self._sockets:
                connection.sendall(self._request)
            for connection in self._sockets:
                answer = self._receive(connection)
                while len(answer) < size:
                    answer += self._receive(connection)
                if len(answer) != size or answer[:12] != status:
                    raise self._failure(
                        f"answered {answer[:80]!r}, {len(answer)} bytes, not {size}"
                    )
            sent += CONNECTIONS
        self.requests += sent
        return (cpu_nanoseconds(self.pid) - before) / sent / 1_000

    def _receive(self, connection: socket.socket) -> bytes:
        data = connection.recv(65_536)
        if not data:
            raise self._failure("closed the connection")
        return data

    def _failure(self, what: str) -> RuntimeError:
        said = self._log.read_text("utf-8", "replace")[-2_000:]
        return RuntimeError(f"the server {what}; nothing was measured. Its log ends:\n{said}")

    def close(self) -> None:
        """Close the connections."""
        for connection in self._sockets:
            connection.close()


def _length(answer: bytes) -> int:
    head, _, _ = answer.partition(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return len(head) + 4 + int(value)
    raise RuntimeError(f"the server answered without a length: {head[:80]!r}")


@contextmanager
def serving(
    folder: Path,
    *flags: str,
    method: str = "GET",
    path: str = "/",
    body: bytes = b"",
    program: Sequence[str] = (sys.executable, "-m", "benchmarks.apps"),
) -> Iterator[Load]:
    """A server of `program` with `flags`, its logs in `folder`, and a client for it."""
    server_core, client_core = cores()
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        port, fileno = listener.getsockname()[1], listener.fileno()
        command = [*program, str(folder), str(fileno), str(server_core), *flags]
        log = folder / "server.log"
        with log.open("wb") as file:
            process = subprocess.Popen(command, stdout=file, stderr=file, pass_fds=[fileno])
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {client_core})
    try:
        load = Load(process.pid, port, log, method, path, body)
        try:
            yield load
        finally:
            load.close()
    finally:
        os.sched_setaffinity(0, mine)
        process.send_signal(signal.SIGTERM)
        process.wait(30)

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from benchmarks.load import CONNECTIONS, Load, cores, cpu_nanoseconds, serving

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="servers are measured by /proc")

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
ERROR = b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno"
LONGER = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok!"


@contextmanager
def answering(*answers: bytes) -> Iterator[int]:
    """A server that gives the first answer once, and the last one from then on."""
    left = list(answers)

    def serve(connection: socket.socket) -> None:
        # A client that gives up leaves answers unread, and its close is then a reset.
        with connection, suppress(ConnectionResetError):
            while connection.recv(65_536):
                connection.sendall(left.pop(0) if len(left) > 1 else left[0])

    def accept() -> None:
        for _ in range(CONNECTIONS):
            thread = threading.Thread(target=serve, args=(listener.accept()[0],))
            thread.start()
            threads.append(thread)

    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        acceptor = threading.Thread(target=accept)
        acceptor.start()
        yield listener.getsockname()[1]
        acceptor.join()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize("later", [ERROR, LONGER])
def test_an_answer_unlike_the_first_one_is_no_measurement(later: bytes, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("Traceback: the cause")
    with answering(GOOD, later) as port:
        load = Load(os.getpid(), port, log, "GET", "/", b"")
        try:
            with pytest.raises(RuntimeError, match="the cause"):
                load.round(0.05)
        finally:
            load.close()


def test_every_request_is_counted(tmp_path: Path) -> None:
    with answering(GOOD) as port:
        load = Load(os.getpid(), port, tmp_path / "log", "GET", "/", b"")
        try:
            load.round(0.05)
            assert load.requests > CONNECTIONS
            assert load.requests % CONNECTIONS == 1
        finally:
            load.close()


def test_the_cpu_time_of_threads_and_children_counts() -> None:
    before = cpu_nanoseconds(os.getpid())
    sum(range(1_000_000))
    assert cpu_nanoseconds(os.getpid()) > before


def test_two_servers_share_a_core_and_the_client_has_another(tmp_path: Path) -> None:
    mine = os.sched_getaffinity(0)
    if len(mine) < 2:
        pytest.skip("this machine has one core: nothing to keep apart")
    server, client = cores()
    assert server != client
    with serving(tmp_path / "one") as one, serving(tmp_path / "two") as two:
        assert os.sched_getaffinity(0) == {client}
        assert os.sched_getaffinity(one.pid) == os.sched_getaffinity(two.pid) == {server}
    assert os.sched_getaffinity(0) == mine

"""What both interfaces share: an answer is as long as it says, a refusal leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from stockade.boundary import check_body
from stockade.core.config import DefenceSettings, Settings
from stockade.core.errors import StockadeError
from stockade.core.events import Event
from stockade.integrations import gate
from stockade.integrations.wsgi import Guard
from tests.integration.serving import PROJECT, free_port
from tests.integrations.test_asgi import Answer, ask, echo

Wsgi: TypeAlias = Callable[[Any, Any], Iterable[bytes]]
OBSERVE = Settings(defence=DefenceSettings(mode="observe"))
PIECES = [b"of ", b"A"]  # four bytes


def answering(environ: Any, start_response: Any) -> Iterable[bytes]:
    """`/short/stream`: says five bytes and has four; the query may say otherwise."""
    name, _, way = environ["PATH_INFO"].strip("/").partition("/")
    said = {"short": "5", "long": "3", "right": "4"}.get(name, "5")
    status = {"none": "304 Not Modified"}.get(name, "200 OK")
    start_response(status, [("Content-Length", said), ("Content-Type", "text/plain")])
    if name == "none" or environ["REQUEST_METHOD"] == "HEAD":
        return []
    return iter(PIECES) if way == "stream" else list(PIECES)


def guarded(app: Wsgi, settings: Settings | None = None) -> Guard:
    return Guard(app, settings or Settings(), partial(check_body, max_depth=64))


guarded_answering = guarded(answering)


@contextmanager
def connected(name: str, folder: Path) -> Iterator[socket.socket]:
    """One connection to gunicorn, which keeps it and believes what an application says."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--threads", "2", "--bind", f"127.0.0.1:{port}"]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--chdir", str(PROJECT), "--no-control-socket", f"{__name__}:{name}"],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        for _ in range(200):
            with suppress(OSError):
                connection = socket.create_connection(("127.0.0.1", port), 10)
                break
            time.sleep(0.05)
        with connection:
            yield connection
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def two_answers(connection: socket.socket, first: str) -> bytes:
    """What comes back for two requests, up to the end of the second answer."""
    both = b""
    for path in (first, "/right/list"):
        connection.sendall(f"GET {path} HTTP/1.1\r\nhost: bank.example\r\n\r\n".encode())
        answer = b""
        while not answer.endswith((b"of A", b"}")):
            answer += connection.recv(65_536)
        both += answer
    return both


def first_body(answers: bytes) -> bytes:
    """The body of the first answer, as a client or a proxy reads it: by its Content-Length."""
    head, _, rest = answers.partition(b"\r\n\r\n")
    return rest[: int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])]


@pytest.mark.asvs("V4.2.2")
def test_no_answer_runs_into_the_next(tmp_path: Path) -> None:
    with connected("answering", tmp_path) as bare:
        answers = two_answers(bare, "/short/list")
        assert first_body(answers) == b"of AH"  # the H of the answer to the next request
    with connected("guarded_answering", tmp_path) as connection:
        answers = two_answers(connection, "/short/list")
        assert answers.startswith(b"HTTP/1.1 500 ")
        assert first_body(answers).endswith(b"}")
        assert b"}HTTP/1.1 200 OK\r\n" in answers


def test_what_is_whole_is_refused_as_a_whole(events: list[Event]) -> None:
    for path in ("/short/list", "/long/list"):
        status, body = run(guarded(answering), path)
        assert status.startswith("500 ")
        assert b"of A" not in body
        assert run(guarded(answering, OBSERVE), path)[1] == b"of A"
    seen = [(event.name, event.rule, event.outcome) for event in events]
    blocked = ("answer_refused", "answer.length", "blocked")
    assert seen == [blocked, (*blocked[:2], "observed")] * 2


def run(app: Wsgi, path: str, method: str = "GET") -> tuple[str, bytes]:
    """The answer, taken to its end."""
    started: list[str] = []

    def start_response(status: str, headers: Any, exc_info: Any = None) -> None:
        started[:] = [status]

    environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "SERVER_PROTOCOL": "HTTP/1.1",
               "wsgi.url_scheme": "http", "wsgi.input": None}  # fmt: skip
    result = app(environ, start_response)
    try:
        body = b"".join(result)
    finally:
        close: Any = getattr(result, "close", None)
        if close is not None:
            close()
    return started[0], body


@pytest.mark.parametrize("path", ["/short/stream", "/long/stream"])
def test_what_is_streamed_is_cut_off(path: str, events: list[Event]) -> None:
    assert run(answering, path)[1] == b"of A"
    with pytest.raises(StockadeError):
        run(guarded(answering), path)
    assert run(guarded(answering, OBSERVE), path)[1] == b"of A"
    assert [event.outcome for event in events] == ["blocked", "observed"]


@pytest.mark.parametrize(
    ("path", "method"),
    [("/right/list", "GET"), ("/right/stream", "GET"), ("/none", "GET"), ("/short/list", "HEAD")],
)
def test_honest_answers_pass(path: str, method: str, events: list[Event]) -> None:
    assert run(guarded(answering), path, method) == run(answering, path, method)
    assert events == []


def asgi(
    said: bytes, pieces: list[bytes], settings: Settings | None = None, **scope: Any
) -> Answer:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-length", said)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for number, piece in enumerate(pieces, 1):
            more = number < len(pieces)
            await send({"type": "http.response.body", "body": piece, "more_body": more})

    return ask(app, settings=settings, **scope)


@pytest.mark.parametrize("pieces", [PIECES, [b"of A"]])
def test_over_asgi_the_same(pieces: list[bytes], events: list[Event]) -> None:
    for said in (b"3", b"5"):
        with pytest.raises(StockadeError):
            asgi(said, pieces)
        assert asgi(said, pieces, OBSERVE).body == b"of A"
    assert asgi(b"4", pieces).body == b"of A"
    assert asgi(b"4", [b""], method="HEAD").body == b""
    assert [event.outcome for event in events] == ["blocked", "observed"] * 2


def test_refusals_do_not_pile_up() -> None:
    """The error of a limit is one for all requests: it must not keep hold of each of them."""

    def frames() -> int:
        count, at = 0, gate.HEADERS.error.__traceback__
        while at is not None:
            count, at = count + 1, at.tb_next
        return count

    seen = []
    for _ in range(3):
        assert ask(echo, headers=[(b"x", b"y" * 20_000)]).status == 431
        seen.append(frames())
    assert seen[0] == seen[-1]

"""Slow bodies and slow answers, over real sockets: who drips loses, who is merely slow does not."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn

from stockade.core.config import RequestSettings, Settings
from stockade.integrations.asgi import Outermost

Serve = Callable[..., Any]


@contextmanager
def served(**request: Any) -> Iterator[int]:
    """A port where an application answers with the size of the body, or after `?seconds`."""
    import asyncio

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        if scope["path"] == "/stream":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for _ in range(3):
                await asyncio.sleep(0.2)
                await send({"type": "http.response.body", "body": b"x", "more_body": True})
            await send({"type": "http.response.body", "body": b""})
            return
        if scope["query_string"]:
            await asyncio.sleep(float(scope["query_string"]))
        size, more = 0, scope["method"] == "POST"
        while more:
            message = await receive()
            size += len(message.get("body", b""))
            more = message.get("more_body", False)
        body = str(size).encode()
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    settings = Settings(request=RequestSettings(**request))
    guarded = Outermost(app, settings, lambda content_type, body: None)
    server = uvicorn.Server(uvicorn.Config(guarded, port=0, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


def send(port: int, pieces: list[bytes], pause: float, path: str = "/") -> bytes:
    """POST a body piece by piece; what came back, however far that went."""
    size = sum(map(len, pieces))
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode())
        for piece in pieces:
            time.sleep(pause)
            try:
                connection.sendall(piece)
            except OSError:
                break
        return receive(connection)


def get(port: int, path: str) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        return receive(connection)


def receive(connection: socket.socket) -> bytes:
    answer = b""
    while piece := connection.recv(65_536):
        answer += piece
    return answer


DRIPS = [b"x"] * 8


def test_a_body_that_drips_is_given_up() -> None:
    with served(body_seconds=0.0) as port:
        # A connection, and what the application holds for it, for as long as the client likes.
        assert send(port, DRIPS, 0.2).endswith(b"\r\n\r\n8")
    with served(body_seconds=0.5) as port:
        answer = send(port, DRIPS, 0.2)
        assert b" 408 " in answer.partition(b"\r\n")[0]
        assert b"application/problem+json" in answer


def test_a_body_that_is_only_slow_arrives() -> None:
    with served(body_seconds=0.5) as port:
        pieces = [b"x" * 600] * 8  # 1.6 seconds in all, beyond 500 bytes a second
        assert send(port, pieces, 0.2).endswith(b"4800")
        assert send(port, [b"x" * 100], 0.0).endswith(b"100")
        # What the application does with a body that has come is no concern of this limit.
        assert send(port, [b"x" * 100], 0.0, "/?1.2").endswith(b"100")


def test_an_answer_that_does_not_begin_is_given_up() -> None:
    with served() as port:
        assert b" 200 " in get(port, "/?0.8").partition(b"\r\n")[0]
    with served(max_seconds=0.3) as port:
        answer = get(port, "/?5")
        assert b" 503 " in answer.partition(b"\r\n")[0]
        assert b"retry-after: 1" in answer.lower()
        assert b" 200 " in get(port, "/?0.1").partition(b"\r\n")[0]


def test_an_answer_that_has_begun_may_take_its_time() -> None:
    with served(max_seconds=0.3) as port:
        assert get(port, "/stream").endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("most", [0, 2])
def test_more_at_once_than_there_are_places(most: int) -> None:
    answers: list[bytes] = []
    with served(max_concurrent=most) as port:
        clients = [
            threading.Thread(target=lambda: answers.append(get(port, "/?0.6"))) for _ in range(6)
        ]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        statuses = sorted(answer.split(b" ")[1] for answer in answers)
        assert statuses == ([b"200"] * 6 if not most else [b"200"] * 2 + [b"503"] * 4)
        assert b" 200 " in get(port, "/").partition(b"\r\n")[0]  # every place was given back

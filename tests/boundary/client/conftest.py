"""A resolver that the test controls, and one way to call by both clients."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal

from stockade.boundary.client import AsyncClient, Client

Names = dict[str, list[list[str]]]
Caller = Callable[..., AbstractContextManager["Callable[..., Any]"]]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """What each name resolves to, resolution by resolution; the last answer stays."""
    table: Names = {}
    genuine = socket.getaddrinfo

    def getaddrinfo(host: Any, *arguments: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name not in table:
            return genuine(host, *arguments, **options)
        answers = table[name]
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        found = []
        for address in addresses:
            found += genuine(address, *arguments, **options)
        return found

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return table


@pytest.fixture(params=["thread", "task"])
def calls(request: pytest.FixtureRequest) -> Caller:
    """`with calls(…) as call: call("GET", url)`, by a `Client` or an `AsyncClient` made so."""

    @contextmanager
    def by_thread(*arguments: Any, **options: Any) -> Iterator[Any]:
        with Client(*arguments, **options) as client:
            yield client.request

    @contextmanager
    def by_task(*arguments: Any, **options: Any) -> Iterator[Any]:
        with start_blocking_portal() as portal:
            client = AsyncClient(*arguments, **options)

            def call(*these: Any, **those: Any) -> Any:
                return portal.call(partial(client.request, *these, **those))

            try:
                yield call
            finally:
                portal.call(client.close)

    return by_thread if request.param == "thread" else by_task

"""The current request in tasks, threads and executors, and nowhere that it does not belong."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from stockade.core import propagation
from stockade.core.context import RequestContext, current, running


@pytest.fixture
def request_context() -> RequestContext:
    return RequestContext("r-1")


@pytest.fixture
def installed() -> Iterator[None]:
    propagation.install()
    yield
    propagation.uninstall()


def in_thread() -> RequestContext | None:
    seen: list[RequestContext | None] = []
    thread = threading.Thread(target=lambda: seen.append(current()))
    thread.start()
    thread.join()
    return seen[0]


def in_pool() -> RequestContext | None:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(current).result()


async def in_executor() -> RequestContext | None:
    return await asyncio.get_running_loop().run_in_executor(None, current)


def test_without_the_patch_threads_know_nothing(request_context: RequestContext) -> None:
    propagation.uninstall()
    with running(request_context):
        assert in_pool() is None
        assert in_thread() is None


@pytest.mark.usefixtures("installed")
def test_threads_and_executors(request_context: RequestContext) -> None:
    with running(request_context):
        assert in_thread() is request_context
        assert in_pool() is request_context
        assert asyncio.run(in_executor()) is request_context
        assert asyncio.run(asyncio.to_thread(current)) is request_context
    assert in_thread() is None


@pytest.mark.usefixtures("installed")
def test_a_worker_thread_does_not_keep_the_request_that_started_it(
    request_context: RequestContext,
) -> None:
    with ThreadPoolExecutor(1) as pool:
        with running(request_context):
            assert pool.submit(current).result() is request_context
        assert pool.submit(current).result() is None


async def in_task() -> RequestContext | None:
    return await asyncio.create_task(asyncio.sleep(0, current()))


def test_tasks(request_context: RequestContext) -> None:
    with running(request_context):
        assert asyncio.run(in_task()) is request_context

"""The current request in tasks, threads and executors, and nowhere that it does not belong."""

from __future__ import annotations

import _thread
import asyncio
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.pool import ThreadPool

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


def in_bare_thread() -> RequestContext | None:
    seen: queue.Queue[RequestContext | None] = queue.Queue()
    _thread.start_new_thread(lambda: seen.put(current()), ())
    return seen.get(timeout=5)


def of(_: int) -> RequestContext | None:
    return current()


POOL_CALLS: list[Callable[[ThreadPool], list[RequestContext | None]]] = [
    lambda pool: [pool.apply(current)],
    lambda pool: [pool.apply_async(current).get(5)],
    lambda pool: pool.map(of, range(9)),
    lambda pool: pool.map_async(of, range(9), 2).get(5),
    lambda pool: pool.starmap(of, [(1,), (2,)]),
    lambda pool: list(pool.imap(of, range(9))),
    lambda pool: list(pool.imap(of, range(9), 2)),
    lambda pool: list(pool.imap_unordered(of, range(9))),
]


async def in_executor() -> RequestContext | None:
    return await asyncio.get_running_loop().run_in_executor(None, current)


def test_without_the_patch_threads_know_nothing(request_context: RequestContext) -> None:
    propagation.uninstall()
    with running(request_context):
        assert in_pool() is None
        assert in_thread() is None
        assert in_bare_thread() is None
        with ThreadPool(1) as pool:
            for call in POOL_CALLS:
                assert set(call(pool)) == {None}


@pytest.mark.usefixtures("installed")
def test_bare_threads(request_context: RequestContext) -> None:
    with running(request_context):
        assert in_bare_thread() is request_context
    assert in_bare_thread() is None


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("call", POOL_CALLS, ids=range(len(POOL_CALLS)))
def test_thread_pools_carry_each_request_and_keep_none(
    call: Callable[[ThreadPool], list[RequestContext | None]], request_context: RequestContext
) -> None:
    with running(request_context):
        pool = ThreadPool(2)
    with pool:
        assert set(call(pool)) == {None}
        for context in (request_context, RequestContext("r-2")):
            with running(context):
                assert set(call(pool)) == {context}
        assert set(call(pool)) == {None}


@pytest.mark.usefixtures("installed")
def test_a_thread_that_a_library_keeps_is_known_by_what_it_calls(
    request_context: RequestContext,
) -> None:
    seen: list[RequestContext | None] = []

    def work() -> None:
        seen.append(current())

    def kept() -> None:
        seen.append(current())

    kept.__module__ = "aiosqlite.core"
    with running(request_context):
        for target in (work, kept):
            thread = threading.Thread(target=target)
            thread.start()
            thread.join()
    assert seen == [request_context, None]


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

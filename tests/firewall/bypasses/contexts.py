"""Elsewhere: the weak line runs on another thread, later, or in another layer's own worker."""

from __future__ import annotations

import asyncio
import contextvars
import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import sqlalchemy
from sqlalchemy.ext.asyncio import create_async_engine

from tests.firewall.bypasses.model import Bypass
from tests.firewall.bypasses.sinks import aio, by_name, read_below, shell
from tests.firewall.bypasses.sources import (
    COOKIE,
    FORM,
    HEADER,
    JSON,
    MULTIPART,
    PATH,
    QUERY,
    WEBSOCKET,
)
from tests.firewall.bypasses.world import World

DUMP = "' OR role='admin"


def on_thread(work: Any, *arguments: Any) -> str:
    answers: queue.Queue[Any] = queue.Queue()

    def target() -> None:
        try:
            answers.put(work(*arguments))
        except Exception as error:
            answers.put(error)

    thread = threading.Thread(target=target)
    thread.start()
    thread.join()
    answer = answers.get()
    if isinstance(answer, Exception):
        raise answer
    return str(answer)


def in_pool(work: Any, *arguments: Any) -> str:
    with ThreadPoolExecutor(1) as pool:
        return str(pool.submit(work, *arguments).result())


def timed(work: Any, *arguments: Any) -> str:
    answers: list[str] = []

    def target() -> None:
        try:
            answers.append(work(*arguments))
        except Exception as error:
            answers.append(type(error).__name__)

    timer = threading.Timer(0, target)
    timer.start()
    timer.join()
    return answers[0]


async def later(work: Any, *arguments: Any) -> str:
    done: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(0, lambda: finish(done, work, *arguments))
    return await done


def finish(done: asyncio.Future[str], work: Any, *arguments: Any) -> None:
    try:
        done.set_result(work(*arguments))
    except Exception as error:
        done.set_exception(error)


async def as_task(work: Any, *arguments: Any) -> str:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(asyncio.to_thread(work, *arguments))
    return str(task.result())


async def by_engine(world: World, name: str) -> str:
    engine = create_async_engine(f"sqlite+aiosqlite:///{world.database}")
    try:
        async with engine.connect() as connection:
            query = f"SELECT name, password FROM users WHERE role = 'member' AND name = '{name}'"
            return str((await connection.execute(sqlalchemy.text(query))).fetchall())
    finally:
        await engine.dispose()


def swallowed(world: World, name: str) -> str:
    """A service that catches everything and tries again."""
    with suppress(BaseException):
        return by_name(world, name)
    with suppress(BaseException):
        return by_name(world, name)
    return "nothing"


BYPASSES = [
    Bypass("thread", "sqlite3", QUERY, lambda w, v: on_thread(by_name, w, v), (DUMP,), ("bob",)),
    Bypass(
        "pool of threads", "sqlite3", FORM, lambda w, v: in_pool(by_name, w, v), (DUMP,), ("bob",)
    ),
    Bypass(
        "timer", "sh", JSON, lambda w, v: timed(shell, w, f"echo {v}"), (";touch pwned",), ("a",)
    ),
    Bypass(
        "callback of the loop",
        "open",
        COOKIE,
        lambda w, v: later(read_below, w, v),
        ("../secret.txt",),
        ("a.txt",),
    ),
    Bypass(
        "task that hands on to a thread",
        "sh",
        PATH,
        lambda w, v: as_task(shell, w, f"echo {v}"),
        (";touch pwned",),
        ("a",),
    ),
    Bypass(
        "worker of the driver",
        "aiosqlite",
        HEADER,
        lambda w, v: aio(
            w, f"SELECT name, password FROM users WHERE role = 'member' AND name = '{v}'"
        ),
        (DUMP,),
        ("bob",),
    ),
    Bypass(
        "greenlet of the layer above",
        "SQLAlchemy on aiosqlite",
        MULTIPART,
        by_engine,
        (DUMP,),
        ("bob",),
    ),
    Bypass(
        "copied context",
        "sqlite3",
        WEBSOCKET,
        lambda w, v: contextvars.copy_context().run(by_name, w, v),
        (DUMP,),
        ("bob",),
    ),
    Bypass("refusal swallowed and tried again", "sqlite3", JSON, swallowed, (DUMP,), ("bob",)),
]

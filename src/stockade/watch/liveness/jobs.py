"""Jobs that fail, die or do not run: the cron job of which nobody hears for three months.

    @stockade.job("nightly-report", every=86_400, grace=3_600)
    def report() -> None: ...

    with stockade.job("import"):
        ...

What a job does is kept in the store, so that any process that shares it tells of a job that ended
with an error or whose process was killed (`job_failed`), that did not begin when it was due
(`job_missed`, once for each time), and that works again (`job_recovered`).

It fails open: where the store cannot answer the job runs, and nothing is known of it
(`store_failed`).
"""

from __future__ import annotations

import functools
import inspect
import os
import re
import secrets
import time
import weakref
from collections.abc import Callable
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, TypeVar

import msgspec

from stockade.core import code_site
from stockade.core.bus import emit
from stockade.core.errors import ConfigError, StoreError
from stockade.core.events import Outcome
from stockade.core.ports import Clock, Store
from stockade.watch.liveness.processes import Entry
from stockade.watch.liveness.whereabouts import here

__all__ = ["Job", "Jobs"]

F = TypeVar("F", bound=Callable[..., Any])

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z")
_CLAIM_SECONDS = 3_600.0


class _Plan(msgspec.Struct, frozen=True):
    """When a job ought to run; `begun` is when it did so last, or was first heard of."""

    begun: float
    every: float = 0.0
    grace: float = 0.0


class _Run(msgspec.Struct, frozen=True):
    job: str
    begun: float
    entry: Entry


_encode = msgspec.json.Encoder().encode
_plan: Callable[[bytes], _Plan] = msgspec.json.Decoder(_Plan).decode
_run: Callable[[bytes], _Run] = msgspec.json.Decoder(_Run).decode


class Jobs:
    """The jobs that share a store."""

    def __init__(self, store: Callable[[], Store], every: float, clock: Clock = time.time) -> None:
        """`every` in seconds is how often `turn` is called. Errors: StoreError, from `turn`."""
        self._store = store
        self._every = every
        self._clock = clock
        self._plans: dict[str, _Plan] = {}
        self._running: dict[str, _Run] = {}
        self._me = here()
        itself: weakref.ref[Jobs] = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: _start_over(itself))

    def job(self, name: str, *, every: float | None = None, grace: float = 0.0) -> Job:
        """A job: a context manager, and a decorator for functions and coroutine functions.

        `every` and `grace` are seconds: it is missed if it has not begun `every` + `grace` after it
        began last. Raises ConfigError for a name that is not 1 to 64 letters, digits, `_.-`.
        """
        if not _NAME.match(name) or (every is not None and every <= 0) or grace < 0:
            raise ConfigError(
                "a job's name has 1 to 64 letters, digits, '_', '.' or '-'; every is more than 0 "
                "seconds, grace at least 0"
            )
        self._plans[name] = _Plan(self._clock(), every or 0.0, grace)
        return Job(self, name)

    def forget(self, name: str) -> None:
        """Expect the job no more, as where it is not needed any longer. Raises StoreError."""
        self._plans.pop(name, None)
        store = self._store()
        store.delete("job:" + name)
        store.delete("job-trouble:" + name)

    def turn(self) -> None:
        """Say that this process's jobs run, and tell of those that died or did not run."""
        store, now = self._store(), self._clock()
        self._register(store)
        for key, run in list(self._running.items()):
            entry = Entry(self._me, now, self._every)
            store.put(key, _encode(msgspec.structs.replace(run, entry=entry)))
            if key not in self._running:  # it ended meanwhile
                store.delete(key)
        for key, value in store.scan("job-run:"):
            run = _run(value)
            if run.entry.is_gone(now) and store.delete(key, only=value):
                self._trouble(store, run.job, "died")
                emit(
                    "job_failed",
                    Outcome.OBSERVED,
                    "watch",
                    "The process that ran a job ended before the job did.",
                    rule="jobs.died",
                    job=run.job,
                    ran_seconds=round(run.entry.beat - run.begun, 1),
                )
        for key, value in store.scan("job:"):
            self._look_at(store, key.removeprefix("job:"), _plan(value), now)

    def begin(self, name: str) -> str:
        """A run begins; its key."""
        now = self._clock()
        entry = Entry(self._me, now, self._every)
        key = f"job-run:{name}:{secrets.token_hex(8)}"
        self._running[key] = run = _Run(name, now, entry)
        try:
            store = self._store()
            plan = self._plans.get(name, _Plan(now))
            store.put("job:" + name, _encode(msgspec.structs.replace(plan, begun=now)))
            store.put(key, _encode(run))
        except StoreError:
            pass  # told by the store itself; the job must run
        return key

    def end(self, name: str, key: str, error: BaseException | None) -> None:
        """A run has ended."""
        run = self._running.pop(key, None)
        seconds = 0.0 if run is None else round(self._clock() - run.begun, 3)
        if error is not None:
            emit(
                "job_failed",
                Outcome.OBSERVED,
                "watch",
                "A job ended with an exception.",
                rule="jobs.raised",
                job=name,
                exception=code_site.kind(type(error)),
                raised=code_site.raised(error),
                ran_seconds=seconds,
            )
        try:
            store = self._store()
            store.delete(key)
            if error is not None:
                self._trouble(store, name, "raised")
                return
            before = store.get("job-trouble:" + name)
            if before is not None and store.delete("job-trouble:" + name):
                emit(
                    "job_recovered",
                    Outcome.ALLOWED,
                    "watch",
                    "A job that had failed or was missed has run to its end.",
                    rule="jobs.recovered",
                    job=name,
                    after=before.decode("ascii", "replace"),
                    ran_seconds=seconds,
                )
        except StoreError:
            pass  # told by the store itself

    def _register(self, store: Store) -> None:
        for name, plan in list(self._plans.items()):
            key = "job:" + name
            if store.add(key, _encode(plan)):
                continue
            value = store.get(key)
            known = None if value is None else _plan(value)
            if known is not None and (known.every, known.grace) != (plan.every, plan.grace):
                store.put(key, _encode(msgspec.structs.replace(plan, begun=known.begun)))

    def _look_at(self, store: Store, name: str, plan: _Plan, now: float) -> None:
        if not plan.every:
            return
        missed = int((now - plan.begun - plan.grace) // plan.every)
        if missed < 1:
            return
        # One process tells of one time that it was due.
        claim = f"job-missed:{name}:{plan.begun!r}:{missed}"
        if not store.add(claim, b"", ttl=2 * plan.every + _CLAIM_SECONDS):
            return
        self._trouble(store, name, "missed")
        emit(
            "job_missed",
            Outcome.OBSERVED,
            "watch",
            "A job has not run when it was due.",
            rule="jobs.missed",
            job=name,
            missed=missed,
            every_seconds=plan.every,
            silent_seconds=round(now - plan.begun, 1),
        )

    def _trouble(self, store: Store, name: str, cause: str) -> None:
        store.put("job-trouble:" + name, cause.encode())


class Job:
    """One job, by its name. Made by `Stockade.job`; threads and tasks may share it."""

    def __init__(self, jobs: Jobs, name: str) -> None:
        self.name = name
        self._jobs = jobs
        self._current: ContextVar[str] = ContextVar(f"stockade_job_{name}")
        self._tokens: dict[str, Token[str]] = {}

    def __enter__(self) -> Job:
        key = self._jobs.begin(self.name)
        self._tokens[key] = self._current.set(key)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        key = self._current.get()
        self._current.reset(self._tokens.pop(key))
        self._jobs.end(self.name, key, error)

    def __call__(self, function: F) -> F:
        """`function`, each call of it a run of this job."""
        wrapped: Any
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def run_async(*args: Any, **kwargs: Any) -> Any:
                with self:
                    return await function(*args, **kwargs)

            wrapped = run_async
        else:

            @functools.wraps(function)
            def run(*args: Any, **kwargs: Any) -> Any:
                with self:
                    return function(*args, **kwargs)

            wrapped = run
        return wrapped  # type: ignore[no-any-return]


def _start_over(itself: weakref.ref[Jobs]) -> None:
    jobs = itself()
    if jobs is not None:  # the parent's runs are the parent's
        jobs._running.clear()
        jobs._me = here()

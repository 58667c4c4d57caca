"""Start the command, pass signals on, reap, and see to it that somebody inside reports guarded."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from stockade import boot
from stockade.confine import kernel
from stockade.core.errors import ConfigError
from stockade.tools.run.narrator import Narrator
from stockade.tools.run.reports import Reports

__all__ = ["Supervisor"]

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
FORWARDED = frozenset({*ENDING, signal.SIGUSR1, signal.SIGUSR2})
PATIENCE = 10.0
"""Seconds between a request to end and SIGKILL, where it is the supervisor who wants an end."""
SERVER_EXPECTED = 30.0
"""Seconds after which a guarded interpreter without a guarded server is remarked upon."""


class Supervisor:
    """One run of one command."""

    def __init__(self, narrator: Narrator, grace: float) -> None:
        """`grace`: seconds within which an interpreter must have reported itself guarded."""
        self._tell = narrator
        self._grace = grace
        self._reports = Reports()
        self._child = 0
        self._guarded = False
        self._serving = False
        self._remarked = False
        self._refused = False
        self._asked_to_end = False
        self._ended = False
        self._kill_at: float | None = None

    def run(self, command: Sequence[str], environ: Mapping[str, str]) -> int:
        """The command's exit code; 128 + n where signal n ended it; 1 where it was refused."""
        waited = FORWARDED | {signal.SIGCHLD}
        # Blocked and waited for: no handler races with the reaping, none is lost before the start.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, waited)
        try:
            if kernel.LINUX:
                kernel.adopt_orphans()
            self._child = self._spawn(command, environ, before)
            self._reports.start()
            return self._finish(self._watch(waited))
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _spawn(
        self, command: Sequence[str], environ: Mapping[str, str], mask: Iterable[int]
    ) -> int:
        try:
            return os.posix_spawnp(
                command[0],
                list(command),
                {**environ, boot.PIPE: self._reports.address},
                setsigmask=mask,
                setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],  # Python ignores them; others need them
            )
        except OSError as error:
            raise ConfigError(
                f"cannot start {command[0]!r}: {error.strerror}; check its name and PATH"
            ) from None

    def _watch(self, waited: frozenset[signal.Signals]) -> int:
        started = time.monotonic()
        while True:
            number, from_terminal = _wait(waited, self._next_deadline(started))
            # The terminal has sent it to the whole foreground group: twice means "at once" to many.
            if number in FORWARDED and not from_terminal:
                os.kill(self._child, number)
            self._asked_to_end |= number in ENDING
            self._listen()
            if (status := self._reap()) is not None:
                return status
            self._keep_time(started)

    def _next_deadline(self, started: float) -> float | None:
        deadlines = [] if self._kill_at is None else [self._kill_at]
        if not self._guarded and not self._remarked:
            deadlines.append(started + self._grace)
        elif self._guarded and not self._serving and not self._remarked:
            deadlines.append(started + SERVER_EXPECTED)
        return max(0.0, min(deadlines) - time.monotonic()) if deadlines else None

    def _keep_time(self, started: float) -> None:
        now = time.monotonic()
        if self._kill_at is not None and now >= self._kill_at:
            self._kill_at = None
            os.kill(self._child, signal.SIGKILL)
        if self._remarked or self._refused:
            return
        if not self._guarded and now >= started + self._grace:
            self._remarked = True
            self._tell.unguarded(f"no Python has reported itself guarded in {self._grace:g} s")
            self._refuse()
        elif self._guarded and not self._serving and now >= started + SERVER_EXPECTED:
            self._remarked = True
            self._tell.no_server()

    def _listen(self) -> None:
        for message in self._reports.take():
            kind = message.get("kind")
            if kind == boot.GUARDED and not self._guarded:
                self._guarded = True
                self._tell.guarded(message)
            elif kind == boot.SERVING:
                self._serving = True
                self._tell.serving(message)
            elif kind == boot.FAILED:
                self._tell.failed(message)
                self._refuse()
            elif kind == boot.ABSENT and message["pid"] == self._child:
                # Elsewhere it is just a program: an interpreter of its own, which has no Stockade.
                self._tell.failed(message)
                self._refuse()

    def _refuse(self) -> None:
        if self._tell.mode == "block" and not self._refused:
            self._refused = True
            if not self._ended:
                self._kill_at = time.monotonic() + PATIENCE
                os.kill(self._child, signal.SIGTERM)

    def _reap(self) -> int | None:
        """The wait status of the command once it has ended; orphans are buried in passing."""
        found = None
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return found
            if pid == 0:
                return found
            if pid == self._child:
                found = status

    def _finish(self, status: int) -> int:
        self._ended = True
        self._reports.settle()
        self._listen()
        if not (self._guarded or self._remarked or self._refused):
            self._tell.unguarded("it ended, and no Python had reported itself guarded")
            self._refuse()
        elif not (self._serving or self._remarked or self._refused):
            self._tell.no_server()
        if self._asked_to_end or self._refused:
            _end_orphans()
        if self._refused:
            return 1
        code = os.waitstatus_to_exitcode(status)
        return code if code >= 0 else 128 - code


def _wait(waited: frozenset[signal.Signals], timeout: float | None) -> tuple[int, bool]:
    """The next signal, and whether a terminal sent it to everyone; (0, False) at the timeout."""
    if kernel.LINUX:
        info = (
            signal.sigwaitinfo(waited) if timeout is None else signal.sigtimedwait(waited, timeout)
        )
        return (0, False) if info is None else (info.si_signo, info.si_code > 0)
    # Without siginfo: an alarm for the timeout, and a guess from who owns the terminal.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    signal.setitimer(signal.ITIMER_REAL, 0 if timeout is None else max(timeout, 0.001))
    number = signal.sigwait(waited | {signal.SIGALRM})
    if number == signal.SIGALRM:
        return 0, False
    foreground = sys.stdin.isatty() and os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    return number, foreground and number in (signal.SIGINT, signal.SIGQUIT)


def _orphans() -> list[int]:
    """Descendants that were left to this process (Linux; elsewhere init has them)."""
    try:
        return [
            int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        ]
    except OSError:
        return []


def _end_orphans() -> None:
    """A signal that ends the command ends what it left behind: politely, then not."""
    deadline = time.monotonic() + PATIENCE
    told: set[int] = set()
    while orphans := _orphans():
        late = time.monotonic() >= deadline
        for pid in orphans:
            if late or pid not in told:
                os.kill(pid, signal.SIGKILL if late else signal.SIGTERM)
                told.add(pid)
        _wait(frozenset({signal.SIGCHLD}), 0.1)
        for pid in orphans:
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                continue

"""Processes that end without a word: killed, out of memory, crashed in C code, cut off from power.

Each process says in the store every few seconds that it lives, and takes its entry away when it
ends in order. Whoever finds an entry whose process is gone takes it away, and only the one that
did publishes `sys_crash`. On another host a process is gone when it is silent for three turns.
"""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Callable

import msgspec

from stockade.core.bus import emit
from stockade.core.events import Outcome
from stockade.core.ports import Clock, Store
from stockade.watch.liveness.whereabouts import Process, here, is_gone

__all__ = ["SILENT_TURNS", "Entry", "Processes"]

SILENT_TURNS = 3
"""So many turns without a sign of life, and a process counts as gone where nothing else tells."""
_PREFIX = "alive:"


class Entry(msgspec.Struct, frozen=True):
    """A sign of life: at `beat` (seconds since the epoch), and the next one in `every` seconds."""

    process: Process
    beat: float
    every: float

    def is_gone(self, now: float) -> bool:
        """Whether the process has ended, as far as can be told from here."""
        gone = is_gone(self.process)
        if gone is None:
            return 0 < SILENT_TURNS * self.every < now - self.beat
        return gone


_encode = msgspec.json.Encoder().encode
_decode: Callable[[bytes], Entry] = msgspec.json.Decoder(Entry).decode


class Processes:
    """The processes that share a store; `turn` is this one's sign of life."""

    def __init__(self, store: Callable[[], Store], every: float, clock: Clock = time.time) -> None:
        """`every` in seconds is how often `turn` is called. Errors: StoreError, from `turn`."""
        self._store = store
        self._every = every
        self._clock = clock
        self._first: bool
        self._start_over()
        itself: weakref.ref[Processes] = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: _start_over(itself))

    def turn(self) -> None:
        """Say that this process lives, and tell of those that do not any more."""
        first, self._first = self._first, False
        store, now = self._store(), self._clock()
        store.put(_PREFIX + self.me.id, _encode(Entry(self.me, now, self._every)))
        told = others = 0
        for key, value in store.scan(_PREFIX):
            entry = _decode(value)
            if entry.process.id == self.me.id:
                continue
            if not entry.is_gone(now):
                others += 1
            elif store.delete(key, only=value):
                told += 1
                _tell(entry, now)
        if first and told and not others:
            emit(
                "sys_restart",
                Outcome.OBSERVED,
                "app",
                "The service runs again, after it had ended without saying so.",
                rule="app.restart",
                processes=told,
            )

    def leave(self) -> None:
        """This process ends in order."""
        if not self._first:
            self._store().delete(_PREFIX + self.me.id)

    def _start_over(self) -> None:
        self.me = here()
        self._first = True


def _tell(entry: Entry, now: float) -> None:
    emit(
        "sys_crash",
        Outcome.OBSERVED,
        "app",
        "A process of this service ended without saying so: it was killed, crashed, or lost power.",
        rule="app.vanished",
        pid=entry.process.pid,
        place=entry.process.place,
        silent_seconds=round(now - entry.beat, 1),
    )


def _start_over(itself: weakref.ref[Processes]) -> None:
    here_it_is = itself()
    if here_it_is is not None:
        here_it_is._start_over()

"""Signs of life, kept in the store: of processes, and of the jobs that they run.

Whoever is gone cannot tell; so the others do. `Liveness` is the thread that says every few seconds
that this process and its jobs live, and looks whether all the others still do.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from stockade.core.errors import StoreError
from stockade.core.periodic import Periodic
from stockade.core.ports import Clock, Store
from stockade.watch.liveness.jobs import Job, Jobs
from stockade.watch.liveness.processes import Processes

__all__ = ["Job", "Jobs", "Liveness", "Processes"]


class Liveness:
    """The signs of life of this process. `beat` is also a batch subscriber of the bus: after a fork
    it begins anew in the child.

    The first turn comes after `every` seconds: a process that ends before that leaves no trace.
    """

    def __init__(self, store: Callable[[], Store], every: float, clock: Clock = time.time) -> None:
        """A turn every `every` seconds; 0: only the jobs' own entries, and nobody looks."""
        self.jobs = Jobs(store, every, clock)
        self.processes = Processes(store, every, clock)
        self.beat = Periodic("liveness", self.turn, seconds=every)
        self._every = every
        self._clock = clock
        self._begins = 0.0

    def start(self) -> None:
        """Begin the turns."""
        if self._every > 0:
            self._begins = self._clock() + self._every * 0.9
            self.beat.start()

    def turn(self) -> None:
        """One turn. Raises StoreError, which the thread tells and tries again."""
        if self._clock() >= self._begins:
            self.processes.turn()
            self.jobs.turn()

    def close(self) -> None:
        """End in order."""
        if self._every > 0:
            self.beat.close(last=False)
        try:
            self.processes.leave()
        except StoreError:
            pass  # the store has told; the others will say that this process vanished

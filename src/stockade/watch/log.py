"""The event log: every event as one JSON line, in a file or on standard output."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from stockade.core.events import Event
from stockade.core.ports import Clock, LiveSecrets
from stockade.watch.appender import Appender
from stockade.watch.lines import LineEncoder

__all__ = ["JsonLog"]


class JsonLog:
    """A batch subscriber of the bus: `bus.subscribe(JsonLog("/var/log/clinic.jsonl"))`.

    A new file is readable by its owner only. Rotation by renaming is noticed at the next batch.
    Fails open: see `stockade.watch.appender`.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        secrets: LiveSecrets | None = None,
        keep: int = 10_000,
        ocsf: bool = False,
        clock: Clock = time.monotonic,
    ) -> None:
        """`-` is standard output; `keep` lines wait in memory while the file cannot be written.

        `ocsf`: lines in OCSF instead of our own form (`stockade.watch.ocsf`).
        """
        self.file = Appender(path, kind="log", keep_lines=keep, clock=clock)
        self._encode: Callable[[Sequence[Event]], bytes] = LineEncoder(secrets)
        if ocsf:
            from stockade.watch.ocsf import OcsfLines

            self._encode = OcsfLines(secrets)
        self.file.append(b"")  # a path that cannot be opened is told at start

    def __call__(self, events: Sequence[Event]) -> None:
        """Write a batch, with one write."""
        self.file.append(self._encode(events))

    @property
    def lost(self) -> int:
        """Lines that neither the file nor the memory could take."""
        return self.file.lost

    @property
    def failures(self) -> int:
        """Writes that failed."""
        return self.file.failures

    def close(self) -> None:
        """Try once more to write what waits, and close the file."""
        self.file.close()

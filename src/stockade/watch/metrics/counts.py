"""What this process counts, and with the other processes of the service what all of them do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from stockade.core.bus import Bus
from stockade.core.bus import bus as process_bus
from stockade.core.health import Health
from stockade.core.health import health as process_health
from stockade.core.tally import Reading, Readings, Tally
from stockade.core.tally import tally as process_tally
from stockade.watch.metrics.folder import Folder
from stockade.watch.metrics.snapshot import Snapshot, Sums, take

__all__ = ["Counts"]


class Counts:
    """The numbers of bus, tally and health, and of further `readings`."""

    def __init__(
        self,
        bus: Bus = process_bus,
        tally: Tally = process_tally,
        health: Health = process_health,
        *,
        folder: str | Path | None = None,
        readings: Iterable[Readings] = (),
    ) -> None:
        """`folder` is where the processes of this service add up; None: this process alone.

        Raises ConfigError where the folder cannot be used.
        """
        self.health = health
        self.folder = None if folder is None else Folder(Path(folder))
        self._bus, self._tally = bus, tally
        self._readings = (self._own_readings, *readings)

    def read(self) -> Snapshot:
        """The numbers of this process, now."""
        return take(self._bus, self._tally, self.health, self._readings)

    def total(self) -> Sums:
        """The numbers of all processes. Raises TimeoutError, OSError: see `Folder.total`."""
        own = self.read()
        if self.folder is not None:
            return self.folder.total(own)
        sums = Sums()
        sums.add(own, live=True)
        return sums

    def publish(self) -> None:
        """Let the other processes know. Raises TimeoutError, OSError."""
        if self.folder is not None:
            self.folder.publish(self.read())

    def _own_readings(self) -> Iterator[Reading]:
        if self.folder is not None:
            yield "counts_rejected", (), self.folder.rejected

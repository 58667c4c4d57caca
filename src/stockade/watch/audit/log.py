"""The audit log of a service: events in, an append-only log with signed checkpoints out.

    audit = AuditTrail(folder, signer=keyring.log_signer)
    bus.subscribe_audit(audit.append)

When `append` returns, the kernel has the entry: neither an exception nor a SIGKILL loses it. Once
in `seconds`, a thread takes what all workers have spooled into the tree, syncs and signs it; then
it is durable, a power cut does not lose it either, and it cannot be changed without a trace.
`wait_durable` waits for that.

Fails open, for a full disk must not stop the service, and loudly: entries wait in the spool, or
else in memory, bounded, and what memory cannot hold is counted.
"""

from __future__ import annotations

import errno
import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

from stockade.core import context
from stockade.core.errors import StockadeError
from stockade.core.events import Event
from stockade.core.periodic import Periodic
from stockade.core.ports import Clock, LiveSecrets, LogSigner
from stockade.watch.audit import tiles
from stockade.watch.audit.calendar import Calendar
from stockade.watch.audit.checkpoint import Checkpoint
from stockade.watch.audit.note import Note
from stockade.watch.audit.sequencer import ANCHOR, Sequencer
from stockade.watch.audit.spool import Spool
from stockade.watch.audit.storage import Directory, Storage
from stockade.watch.audit.telling import Teller
from stockade.watch.lines import LineEncoder

__all__ = ["AuditTrail"]

_KEPT_CHARACTERS = 512
_REMOVAL_SECONDS = 3_600.0


class AuditTrail:
    """A `core.ports.AuditLog` in a folder (mode 0700), shared by the workers of a service.

    `folder/log` is the log, in the layout of C2SP tlog-tiles; `folder/spool` what goes into it.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        signer: Callable[[str], LogSigner],
        secrets: LiveSecrets | None = None,
        storage: Storage | None = None,
        origin: str = "",
        seconds: float = 1.0,
        tell_seconds: float = 60.0,
        days: float = 0.0,
        keep: int = 10_000,
        prepare: Callable[[Event], Event] | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        """`signer` gives the keys of an origin; `storage` is where the tiles go, by default the
        folder; `tell_seconds`: how often the newest checkpoint is an event; `days`: after so many,
        entries are removed, 0: never; `prepare` changes each event before it is written, for
        instance to seal what is personal.
        """
        self.folder = Path(folder)
        self.file = Spool(self.folder / "spool", self._size, keep=keep, clock=clock)
        self.sequencer = Sequencer(self.folder, signer, self._mark, storage=storage, origin=origin)
        self.teller = Teller(str(folder), seconds=tell_seconds, clock=clock)
        self.acknowledged = 0
        """Entries of this process that are in the tree, synced and signed."""
        self._given = 0
        self._encode = LineEncoder(secrets)
        self._prepare = prepare
        self._clock = clock
        self._days = days
        self._next_removal = float("-inf")
        self._calendar = Calendar(clock)
        self._thread = Periodic("audit", self._turn, seconds=seconds)
        self._turned = threading.Condition()
        itself: weakref.ref[AuditTrail] = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: _forget(itself))
        self.file.append(b"")  # a path that cannot be opened is told at start

    def append(self, event: Event) -> None:
        """Spool one event; when this returns, the end of the process does not lose it."""
        self.extend((event,))

    def extend(self, events: Sequence[Event]) -> None:
        """Spool events with one write."""
        # What we open is our own affair: no value of the request may be sought in its name.
        token = context.variable.set(None)
        try:
            self._extend(events)
        finally:
            context.variable.reset(token)

    def _extend(self, events: Sequence[Event]) -> None:
        if self._prepare is not None:
            events = [self._prepare(event) for event in events]
        lines = self._encode(events)
        if len(lines) > tiles.LONGEST and max(map(len, lines.split(b"\n"))) > tiles.LONGEST:
            lines = b"".join(map(self._line, events))
        self.file.append(lines)
        with self._turned:
            self._given += len(events)
        if not self._thread.alive:
            self._thread.start()

    def wait_durable(self, seconds: float = 10.0) -> bool:
        """Whether all that this process appended, and did not lose, is durable; waits for it."""
        end = time.monotonic() + seconds
        with self._turned:
            until = self._given
            while self.acknowledged + self.file.lost < until:
                left = end - time.monotonic()
                if left <= 0:
                    return False
                self._thread.hurry()
                self._turned.wait(min(left, 0.05))
        return True

    def prune(self, before: datetime) -> int:
        """Remove the entries older than `before`; the first one kept, 0: nothing was to be done."""
        return self.sequencer.prune(before)

    @property
    def written(self) -> bool:
        """Whether the spool takes entries at present, and they are signed."""
        return not (self.file.waiting or self.teller.failing)

    @property
    def unacknowledged(self) -> int:
        """Entries of this process that are not durable yet, those in memory among them."""
        return max(0, self._given - self.acknowledged - self.file.lost)

    def close(self) -> None:
        """Take everything in, and leave a log that needs no spool."""
        self.file.append(b"")
        self._thread.close()
        if not self.teller.failing:
            try:
                self.sequencer.finish()
            except (OSError, StockadeError) as error:
                self.teller.fails(error, self.unacknowledged)
        self.teller.checkpoint(self.sequencer.last, last=True)
        self.file.close()

    # -- on the thread ---------------------------------------------------------------------------

    def _turn(self) -> None:
        if self.file.waiting:
            self.file.append(b"")
        spooled = self._given - self.file.waiting - self.file.lost
        try:
            if not self._waits() and not self.teller.failing:
                self._acknowledge(spooled)
            elif self._sequence():
                self._acknowledge(spooled)
                self.teller.works()
        except (OSError, StockadeError) as error:
            self.teller.fails(error, self.unacknowledged)
        else:
            self._remove_old()
        self.teller.checkpoint(self.sequencer.last)

    def _waits(self) -> bool:
        try:
            return self.sequencer.waits
        except FileNotFoundError:  # another process was faster, and removed a segment
            return True

    def _sequence(self) -> bool:
        recovered = self.sequencer.recovered
        done = self.sequencer.turn()
        if self.sequencer.recovered > recovered:
            self.teller.computed_again()
        return done

    def _acknowledge(self, spooled: int) -> None:
        with self._turned:
            self.acknowledged = spooled
            self._turned.notify_all()

    def _remove_old(self) -> None:
        if self._days <= 0 or self._clock() < self._next_removal:
            return
        self._next_removal = self._clock() + _REMOVAL_SECONDS
        today = self._calendar.now()
        if today is None:
            return
        try:
            self.prune(today - timedelta(days=self._days))
        except (OSError, StockadeError) as error:  # nothing is unsigned for that
            self.teller.keeps_old(error)

    def _mark(self, event: Event) -> bool:
        return self.file.append(self._line(event))

    def _line(self, event: Event) -> bytes:
        """One event; what is too long for an entry is cut to a whole one that says so."""
        line = self._encode((event,))
        if len(line) <= tiles.LONGEST:
            return line
        cut = {
            name: value[:_KEPT_CHARACTERS]
            for name in Event.__struct_fields__
            if isinstance(value := getattr(event, name), str)
        }
        return self._encode((replace(event, **cut, details={"cut_bytes": len(line)}),))

    def _size(self) -> int:
        """How many entries the tree has: where an empty spool begins."""
        data = self.sequencer.storage.read(tiles.CHECKPOINT)
        if data is None:
            data = Directory(self.folder).read(ANCHOR)
        if data is None:
            if self.sequencer.storage.below("tile"):
                raise OSError(errno.ENOENT, "the log has tiles and no checkpoint")
            return 0
        try:
            return Checkpoint.of(Note.parse(data)).size
        except StockadeError:
            raise OSError(errno.EINVAL, "the log's checkpoint is damaged") from None

    def _start_over(self) -> None:
        """After a fork: what the parent spooled is the parent's to acknowledge."""
        self._turned = threading.Condition()
        self._given, self.acknowledged = self.file.lost, 0


def _forget(itself: weakref.ref[AuditTrail]) -> None:
    here = itself()
    if here is not None:
        here._start_over()

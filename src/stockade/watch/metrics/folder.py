"""The folder by which the processes of a service add up: a file of counts for each of them.

Every process writes its own file, whole, under another name, and renames it: a reader sees all of
one state or all of the next. Beside it lies an empty file that the process holds locked for as long
as it lives. Where the lock is gone, the process is: whoever looks next adds its counters to the
base and removes it. The base names who is in it, so that a crash between these two steps does not
count anybody twice. What a power cut tore does not match its digest: it is set aside and told, not
believed.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from stockade.core.bus import emit, say
from stockade.core.errors import ConfigError
from stockade.core.events import Outcome
from stockade.watch.metrics.counts_file import decode, encode
from stockade.watch.metrics.held import Held, here
from stockade.watch.metrics.snapshot import Snapshot, Sums

__all__ = ["Folder"]

_MAX_BYTES = 32 << 20
_WAIT_SECONDS = 2.0
_OLD_SECONDS = 60.0
_encoder = msgspec.msgpack.Encoder()


def _forget_parent() -> None:
    for own in _processes.values():
        own.held.release()  # the child's copy of the descriptor: the lock stays the parent's
    _processes.clear()


os.register_at_fork(after_in_child=_forget_parent)


class _Own:
    """This process in one folder."""

    def __init__(self, id: str, held: Held) -> None:
        self.id, self.held = id, held
        self.written = b""


_processes: dict[str, _Own] = {}
"""By folder."""


class Folder:
    """The counts of all processes of one service, and this process's among them."""

    def __init__(self, path: Path) -> None:
        """Makes the folder, mode 0700. Raises ConfigError where others may write to it."""
        self.path = path
        self.rejected = 0
        """Files that were set aside."""
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            status = path.stat()
        except OSError as error:
            raise ConfigError(
                f"watch.run: the folder {path} cannot be made or read ({error.strerror}); repair "
                "it, or name another, so that the processes of this service can add up"
            ) from None
        if status.st_uid != os.geteuid() or status.st_mode & 0o022:
            raise ConfigError(
                f"watch.run: the folder {path} may be written to by others, who could invent "
                "counts; make it this user's own (chmod 700)"
            )

    # -- this process ----------------------------------------------------------------------------

    def publish(self, snapshot: Snapshot) -> None:
        """Write this process's counts, where they have changed. Raises OSError, TimeoutError."""
        own = self._enter()
        numbers = _encoder.encode((snapshot.numbers, snapshot.rows, snapshot.conditions))
        if numbers == own.written and self._counts(own.id).exists():
            os.utime(self._counts(own.id))
            return
        self._write(self._counts(own.id), encode(snapshot))
        own.written = numbers

    def _enter(self) -> _Own:
        """Who this process is here: one and the same until its end, whoever publishes for it."""
        own = _processes.get(str(self.path))
        if own is None or not own.held.stands():
            self.path.mkdir(mode=0o700, exist_ok=True)  # somebody may have removed it meanwhile
            name = secrets.token_hex(8)
            # Under the lock: nobody may find the file before it is held, and take us for dead.
            with self._locked():
                held = Held.take(self._lock(name))
            if held is None:
                raise TimeoutError("a lock of this process's own is held by another")
            own = _processes[str(self.path)] = _Own(name, held)
        return own

    # -- all processes ---------------------------------------------------------------------------

    def total(self, own: Snapshot) -> Sums:
        """The sum of all processes; of this one, `own`.

        Raises TimeoutError where another process keeps the folder to itself, OSError where it
        cannot be read: a wrong sum would be worse than none.
        """
        with self._locked():
            base, living = self._fold()
            sums = Sums()
            sums.add(own, live=True)
            for snapshot in living:
                sums.add(snapshot, live=True)
            sums.add(base, live=False)
        oldest = min((snapshot.time for snapshot in living), default=own.time)
        sums.count("counts_age_seconds", (), max(0.0, own.time - oldest))
        return sums

    def _fold(self) -> tuple[Snapshot, list[Snapshot]]:
        """The base, with what processes that have ended counted; and what the live ones did."""
        base = self._read(self.path / "base.counts") or _empty()
        living, ended = [], []
        own = _processes.get(str(self.path))
        mine = "" if own is None else own.id
        for file in sorted(self.path.glob("*.counts")):
            who = file.stem
            if who in ("base", mine):
                continue
            held = Held.take(self._lock(who))
            if held is None:
                snapshot = self._read(file)
                if snapshot is not None:
                    # Renewed without a change: the file's own time tells.
                    snapshot.time = max(snapshot.time, file.stat().st_mtime)
                    living.append(snapshot)
            else:
                held.release()
                ended.append(who)
        if ended:
            base = self._fold_in(base, ended)
        self._sweep()
        return base, living

    def _fold_in(self, base: Snapshot, ended: list[str]) -> Snapshot:
        sums = Sums()
        sums.add(base, live=False)
        for who in ended:
            if who not in base.folded and (last := self._read(self._counts(who))) is not None:
                sums.add(last, live=False)
        base = Snapshot(time.time(), 0, sums.counters(), list(sums.rows.items()), [], ended)
        self._write(self.path / "base.counts", encode(base))
        for who in ended:
            self._counts(who).unlink(missing_ok=True)
            self._lock(who).unlink(missing_ok=True)
        return base

    def _sweep(self) -> None:
        """Remove what processes left that ended before they had counted, or while they wrote."""
        for draft in self.path.glob("*.draft"):
            with contextlib.suppress(FileNotFoundError):  # it has just become what it was to be
                if time.time() - draft.stat().st_mtime > _OLD_SECONDS:
                    draft.unlink()
        for lock in self.path.glob("*.live"):
            if not self._counts(lock.stem).exists() and (held := Held.take(lock)) is not None:
                lock.unlink(missing_ok=True)
                held.release()

    # -- files -----------------------------------------------------------------------------------

    def _counts(self, who: str) -> Path:
        return self.path / f"{who}.counts"

    def _lock(self, who: str) -> Path:
        return self.path / f"{who}.live"

    def _write(self, file: Path, data: bytes) -> None:
        draft = file.with_suffix(f".{os.getpid()}.draft")
        descriptor = os.open(
            draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )
        with os.fdopen(descriptor, "wb") as out:
            out.write(data)
        draft.replace(file)

    def _read(self, file: Path) -> Snapshot | None:
        """What a file holds; None where there is none, or it is torn and set aside."""
        try:
            with file.open("rb") as opened:
                data = opened.read(_MAX_BYTES + 1)
            snapshot = decode(data)
            Sums().add(snapshot, live=True)  # of this version's shape
        except FileNotFoundError:
            return None
        except ValueError:
            self._set_aside(file)
            return None
        return snapshot

    def _set_aside(self, file: Path) -> None:
        self.rejected += 1
        file.replace(file.with_suffix(".torn"))
        say(f"the counts in {file} are torn or foreign; they are kept as .torn and not counted")
        emit(
            "defence_failed",
            Outcome.FAILED,
            "watch",
            "A file of counts was torn or foreign; what it held is not in the metrics.",
            rule="metrics.torn",
        )

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with here():
            deadline = time.monotonic() + _WAIT_SECONDS
            while (held := Held.take(self.path / "lock")) is None:
                if time.monotonic() >= deadline:
                    raise TimeoutError("another process keeps the folder of counts to itself")
                time.sleep(0.002)
            try:
                yield
            finally:
                held.release()


def _empty() -> Snapshot:
    return Snapshot(0.0, 0, {}, [], [])

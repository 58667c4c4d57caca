"""Resolve references: when first needed, once, each read accounted for."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from stockade.core.bus import emit
from stockade.core.errors import SecretError
from stockade.core.events import Outcome
from stockade.core.ports import SecretSource
from stockade.core.secret import Secret
from stockade.secrets.accounting import Account
from stockade.secrets.live import Live
from stockade.secrets.references import Hole, Reference, parse
from stockade.secrets.sources import SOURCES

__all__ = ["Secrets", "live", "resolve"]

GRACE = 3_600.0
"""Seconds that a replaced value stays live: connections made with it may still name it."""

live = Live()
"""The live secrets of this process, unless a `Secrets` is given another registry."""


class Secrets(Mapping[str, Secret[str]]):
    """The secrets of a configuration, by name; and any other reference by `resolve`."""

    def __init__(
        self,
        references: Mapping[str, str] | None = None,
        *,
        sources: Iterable[SecretSource] = SOURCES,
        live: Live = live,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`references`: name to reference, as in [secrets]. Raises SecretError if malformed."""
        self.live = live
        self._sources = {source.scheme: source for source in sources}
        self._clock = clock
        self._cells: dict[str, Cell] = {}
        self._references = dict(references or {})
        self._named = {
            name: self.resolve(text, name=name) for name, text in (references or {}).items()
        }

    def __getitem__(self, name: str) -> Secret[str]:
        return self._named[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._named)

    def __len__(self) -> int:
        return len(self._named)

    def resolve(self, reference: str, *, name: str = "") -> Secret[str]:
        """A Secret that reads its source when it is first revealed, and keeps what it got.

        Raises SecretError at once for a malformed reference or an unknown scheme; `reveal` raises
        it where the source cannot give the value.
        """
        cell = self._cells.get(reference)
        if cell is None:
            parsed = _parsed(reference, self._sources, name)
            cell = self._cells[reference] = Cell(parsed, self._fetch, self.live, self._clock)
        label = f"{name} ({cell.label})" if name else cell.label
        return Secret(get=cell.read, label=label)

    def refresh(self) -> int:
        """Read again what has been read before; how many values were new.

        A source that fails leaves the old value in force, and says so in an event.
        """
        return sum(cell.refresh() for cell in list(self._cells.values()))

    def cells(self) -> dict[str, Cell]:
        """The state of each named secret, never its value: for health and metrics."""
        return {name: self._cells[reference] for name, reference in self._references.items()}

    def _fetch(self, hole: Hole) -> str:
        return self._sources[hole.scheme].resolve(hole.locator)


def _parsed(reference: str, schemes: Collection[str], name: str) -> Reference:
    try:
        return parse(reference, schemes, name)
    except SecretError:
        emit(
            "secret_failed",
            Outcome.FAILED,
            "secrets",
            "A reference to a secret cannot be understood.",
            rule="secrets.reference",
            secret=name,
        )
        raise


class Cell:
    """One reference's value, its version, and what it was until lately."""

    def __init__(
        self,
        reference: Reference,
        fetch: Callable[[Hole], str],
        live: Live,
        clock: Callable[[], float],
    ) -> None:
        self.label = reference.label
        self.version = 0
        self.changed_at = 0.0
        """When the present value was first read, in seconds since 1970."""
        self.failing = False
        """Whether the last attempt to read the source failed."""
        self._reference = reference
        self._fetch = fetch
        self._live = live
        self._clock = clock
        self._account = Account(self.label, clock)
        self._lock = threading.Lock()
        self._value: str | None = None
        self._parts: tuple[str, ...] = ()
        self._replaced: list[tuple[float, tuple[str, ...]]] = []

    def read(self) -> str:
        """The value, on behalf of whoever called `Secret.reveal`."""
        value = self._value
        if value is None:
            value = self._first()
        self._account.note(sys._getframe(2), self.version)
        return value

    def refresh(self) -> bool:
        """Whether there was a new value."""
        with self._lock:
            if self._value is None:
                return False
            try:
                changed = self._take()
            except SecretError:
                return False  # said by _take; the old value goes on working
        if changed:
            emit(
                "secret_rotated",
                Outcome.ALLOWED,
                "secrets",
                "A secret has a new value; connections made with the old one may still be open.",
                rule="secrets.rotated",
                secret=self.label,
                version=self.version,
            )
        return changed

    def held(self) -> Iterable[str]:
        """For `Live`: the present values and those replaced within the grace."""
        self._replaced = [old for old in self._replaced if old[0] > self._clock()]
        yield from self._parts
        for _, parts in self._replaced:
            yield from parts

    def _first(self) -> str:
        with self._lock:
            if self._value is None:
                self._take()
                self._live.add(self)
            return self._value or ""

    def _take(self) -> bool:
        try:
            values = [self._fetch(hole) for hole in self._reference.holes]
        except SecretError:
            self.failing = True
            emit(
                "secret_failed",
                Outcome.FAILED,
                "secrets",
                "A secret could not be read from its source.",
                rule="secrets.failed",
                secret=self.label,
                version=self.version,
            )
            raise
        self.failing = False
        value = self._reference.fill(values)
        if value == self._value:
            return False
        if self._parts:
            self._replaced.append((self._clock() + GRACE, self._parts))
        self._parts = tuple(dict.fromkeys((*values, value)))
        self._value = value
        self.version += 1
        self.changed_at = time.time()
        self._live.changed()
        return True


_process: Secrets | None = None


def resolve(reference: str) -> Secret[str]:
    """`Secrets.resolve` on one that belongs to the process. Raises SecretError."""
    global _process
    if _process is None:
        _process = Secrets()
    return _process.resolve(reference)

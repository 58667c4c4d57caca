"""The values in use, for redaction and leak detection: a `core.ports.LiveSecrets`.

A str cannot be held weakly, so the holders are: a value counts as live while something that can
still give it out exists, and an older version of it while a connection may still be using it.
"""

from __future__ import annotations

import json
import threading
import weakref
from collections.abc import Iterable
from typing import Protocol
from urllib.parse import quote, quote_plus

__all__ = ["Live", "spellings"]


class Holder(Protocol):
    """Something that holds secret values."""

    def held(self) -> Iterable[str]: ...


class Live:
    """Knows the holders. `values` gives the same tuple again until something has changed."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a finalizer may run inside `changed`
        self._holders: weakref.WeakSet[Holder] = weakref.WeakSet()
        self._generation = 0
        self._collected: tuple[int, tuple[str, ...]] = (0, ())

    def add(self, holder: Holder) -> None:
        """Count what `holder` holds as live, as long as it lives."""
        self._holders.add(holder)
        weakref.finalize(holder, self.changed).atexit = False
        self.changed()

    def changed(self) -> None:
        """A holder holds something else now."""
        with self._lock:
            self._generation += 1

    def values(self) -> tuple[str, ...]:
        """Every live value in each of its spellings, longest first."""
        generation, values = self._collected
        if generation == self._generation:
            return values
        generation = self._generation
        held = {value for holder in list(self._holders) for value in holder.held()}
        found = {spelling for value in held for spelling in spellings(value)}
        values = tuple(sorted(found, key=lambda value: (-len(value), value)))
        # A change during the collecting has raised the generation, so the next call collects again.
        self._collected = (generation, values)
        return values


def spellings(value: str) -> set[str]:
    """How `value` is written in plain text, in a URL and inside a JSON string."""
    return {
        value,
        quote(value, safe="", errors="surrogateescape"),
        quote(value, errors="surrogateescape"),
        quote_plus(value, errors="surrogateescape"),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
    }

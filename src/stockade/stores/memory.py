"""A store in this process's memory: for tests, and for services of one process.

Threads share it; processes do not: after a fork each has a copy of its own. What has expired is
removed now and then by the writes themselves, so that keys made of client addresses cannot fill
the memory for longer than they live.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Iterator
from os import register_at_fork
from typing import Any, Generic, NamedTuple, TypeVar

from stockade.core.errors import StoreError
from stockade.core.ports import Clock
from stockade.stores import failure, keys, sliding_window, token_bucket
from stockade.stores.expiry import deadline, live

__all__ = ["MemoryStore"]

T = TypeVar("T")
_stores: weakref.WeakSet[MemoryStore] = weakref.WeakSet()


class _Entry(NamedTuple, Generic[T]):
    value: T
    expires: float | None


class MemoryStore:
    """`core.ports.Store` in a dictionary. Errors: StoreError once it is closed."""

    def __init__(self, *, clock: Clock = time.time) -> None:
        """`clock` gives seconds since the epoch."""
        self._clock = clock
        self._entries: dict[str, _Entry[bytes]] = {}
        self._counters: dict[str, _Entry[tuple[float, sliding_window.Slots]]] = {}
        self._buckets: dict[str, _Entry[token_bucket.Bucket]] = {}
        self._lock = threading.RLock()
        self._closed = False
        self._writes = 0
        _stores.add(self)

    def get(self, key: str) -> bytes | None:
        """The value, or None."""
        with self._lock:
            return self._get(key, self._now())

    def put(self, key: str, value: bytes, *, ttl: float | None = None) -> None:
        """Set the value."""
        with self._lock:
            now = self._writing(key)
            self._entries[key] = _Entry(bytes(value), deadline(now, ttl))

    def add(self, key: str, value: bytes, *, ttl: float | None = None) -> bool:
        """Set the value unless there is one; True if it was set."""
        with self._lock:
            now = self._writing(key)
            if self._get(key, now) is not None:
                return False
            self._entries[key] = _Entry(bytes(value), deadline(now, ttl))
            return True

    def delete(self, key: str, *, only: bytes | None = None) -> bool:
        """Remove; with `only`, just an entry of that value. True if something was removed."""
        with self._lock:
            now = self._now()
            found = self._get(key, now)
            if only is not None:
                if found != only:
                    return False
                del self._entries[key]
                return True
            removed = [kind.pop(key, None) for kind in self._kinds()]
            return any(entry is not None and live(entry.expires, now) for entry in removed)

    def scan(self, prefix: str) -> Iterator[tuple[str, bytes]]:
        """Live entries under `prefix`, as they were at the call, in the order of their keys."""
        with self._lock:
            now = self._now()
            found = [
                (key, entry.value)
                for key, entry in self._entries.items()
                if key.startswith(prefix) and live(entry.expires, now)
            ]
        return iter(sorted(found))

    def increment(self, key: str, *, window: float, by: int = 1) -> int:
        """Count in a sliding window; see `stores.sliding_window` for the error bound."""
        with self._lock:
            now = self._writing(key)
            before = self._counters.get(key)
            slots = {}
            if before is not None and before.value[0] == window and live(before.expires, now):
                slots = before.value[1]
            slots, count = sliding_window.add(slots, now=now, window=window, by=by)
            self._counters[key] = _Entry((window, slots), deadline(now, 2 * window))
            return count

    def take(self, key: str, *, capacity: float, rate: float, cost: float = 1.0) -> float:
        """Take from a token bucket; see `stores.token_bucket`."""
        with self._lock:
            now = self._writing(key)
            before = self._buckets.get(key)
            taken = token_bucket.take(
                before.value if before is not None else None,
                now=now,
                capacity=capacity,
                rate=rate,
                cost=cost,
            )
            self._buckets[key] = _Entry(taken.bucket, deadline(now, taken.ttl))
            return taken.wait

    def purge(self) -> int:
        """Remove what has expired; how many that were."""
        with self._lock:
            now = self._now()
            return sum(_purge(kind, now) for kind in self._kinds())

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            self._closed = True
            for kind in self._kinds():
                kind.clear()

    def _kinds(self) -> tuple[dict[str, _Entry[Any]], ...]:
        return self._entries, self._counters, self._buckets

    def _get(self, key: str, now: float) -> bytes | None:
        entry = self._entries.get(key)
        return entry.value if entry is not None and live(entry.expires, now) else None

    def _now(self) -> float:
        if self._closed:
            failure.tell("memory", "closed")
            raise StoreError("the state store is closed; open another one with open_store")
        return self._clock()

    def _writing(self, key: str) -> float:
        if not key.isascii():
            keys.encode(key)
        now = self._now()
        self._writes += 1
        # As many writes as there are keys pay for one pass over the keys.
        if self._writes > 1_000 + sum(map(len, self._kinds())):
            self._writes = 0
            self.purge()
        return now


def _purge(entries: dict[str, _Entry[Any]], now: float) -> int:
    ended = [key for key, entry in entries.items() if not live(entry.expires, now)]
    for key in ended:
        del entries[key]
    return len(ended)


def _unlock_in_child() -> None:
    # Another thread of the parent may have held the lock; that thread is not in the child.
    for store in _stores:
        store._lock = threading.RLock()


register_at_fork(after_in_child=_unlock_in_child)

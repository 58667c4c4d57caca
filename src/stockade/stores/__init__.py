"""Stores: the state that defences share, behind `core.ports.Store`.

| store | for | survives | shared by |
| --- | --- | --- | --- |
| `MemoryStore` | tests, one process | nothing | threads |
| `SQLiteStore` | one machine (the default) | a killed process | threads, processes |

Counters, buckets and entries of one key live apart: `get`, `add` and `scan` see entries only;
`delete` without `only` forgets all three.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from stockade.core.errors import ConfigError

if TYPE_CHECKING:
    from stockade.core.ports import Clock, Store
    from stockade.stores.memory import MemoryStore
    from stockade.stores.sqlite import SQLiteStore

__all__ = ["MemoryStore", "SQLiteStore", "open_store"]

_HOME = {"MemoryStore": "stockade.stores.memory", "SQLiteStore": "stockade.stores.sqlite"}


def open_store(url: str, *, clock: Clock | None = None) -> Store:
    """The store that `store.url` names: `memory`, a path, or `sqlite:` and a path.

    Raises ConfigError for an address of another kind, StoreError where the file cannot be used.
    """
    kind, colon, rest = url.partition(":")
    if url in ("memory", ":memory:", "sqlite::memory:"):
        from stockade.stores.memory import MemoryStore

        return MemoryStore() if clock is None else MemoryStore(clock=clock)
    path = rest if colon and kind == "sqlite" else url
    # One letter before the colon is a drive, not a scheme; "://" never begins a path.
    if not path or "://" in path or (path == url and colon and len(kind) > 1 and kind.isalnum()):
        raise ConfigError(
            "store.url is not understood; write memory, the path of an SQLite file, or sqlite:PATH"
        )
    from stockade.stores.sqlite import SQLiteStore

    return SQLiteStore(path) if clock is None else SQLiteStore(path, clock=clock)


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'stockade.stores' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

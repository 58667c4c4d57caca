"""The stores that the one behavioural suite runs over: a new store is one more line here."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stockade.core.ports import Store
from stockade.stores import MemoryStore, SQLiteStore

STORES: dict[str, Callable[[Path, "Ticks"], Store]] = {
    "memory": lambda folder, clock: MemoryStore(clock=clock),
    "sqlite": lambda folder, clock: SQLiteStore(folder / "state.db", clock=clock),
}


class Ticks:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Ticks:
    return Ticks()


@pytest.fixture(params=sorted(STORES))
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Ticks) -> Iterator[Store]:
    opened = STORES[request.param](tmp_path, clock)
    yield opened
    opened.close()

"""The Flask application guarded and bare, and with the firewall off: what its requests cost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.apps import everything
from benchmarks.cost import Cost
from benchmarks.flask_application import REQUESTS, application, cost, database
from stockade import Stockade
from stockade.app import firewall

__all__ = ["guarded_and_bare", "on_and_off"]


@contextmanager
def guarded_and_bare(path: str) -> Iterator[tuple[Cost, Cost]]:
    """What a request costs bare, and with everything on."""
    with TemporaryDirectory(prefix="stockade-benchmark-") as name:
        folder = Path(name)
        bare, guarded = (application(database(folder)) for _ in range(2))
        stockade = Stockade.protect(guarded, settings=everything(folder))
        try:
            yield cost(bare, path), cost(guarded, path)
        finally:
            stockade.close()


@contextmanager
def on_and_off(path: str, requests: int = REQUESTS) -> Iterator[tuple[Cost, Cost]]:
    """What a request of the guarded service costs with only the firewall off, and with it on."""
    with TemporaryDirectory(prefix="stockade-benchmark-") as name:
        folder = Path(name)
        app = application(database(folder))
        stockade = Stockade.protect(app, settings=everything(folder))
        on = cost(app, path, requests)

        def off() -> float:
            for guard in firewall.guards:
                guard.mode = "off"
            try:
                return on()
            finally:
                for guard in firewall.guards:
                    guard.mode = "block"

        try:
            yield off, on
        finally:
            stockade.close()

"""How the named secrets are doing: a probe for `core.health`, and their ages for the metrics."""

from __future__ import annotations

from collections.abc import Iterator

from stockade.core.health import OK, State, Verdict
from stockade.core.tally import Reading
from stockade.secrets.resolver import Secrets

__all__ = ["readings", "verdict"]


def verdict(secrets: Secrets) -> Verdict:
    """Failed where a secret that was asked for has never been read, degraded where it is old."""
    cells = secrets.cells().values()
    if any(cell.failing and not cell.version for cell in cells):
        return Verdict(State.FAILED, "A secret could not be read from its source.")
    if any(cell.failing for cell in cells):
        return Verdict(State.DEGRADED, "A secret cannot be read again; its old value is in use.")
    return OK


def readings(secrets: Secrets) -> Iterator[Reading]:
    """When each named secret's present value was first read; none for one never read."""
    for name, cell in secrets.cells().items():
        if cell.version:
            yield "secret_changed_timestamp_seconds", (name,), cell.changed_at

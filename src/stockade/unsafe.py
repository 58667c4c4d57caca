"""Every escape hatch. Nothing here is imported for you, so an import shows where one is used.

A waiver needs a reason and an expiry, both recorded each time it lets something through.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from stockade.core.errors import ConfigError
from stockade.core.waiver import Waiver, granted

__all__ = ["waive"]

LONGEST = timedelta(days=366)


@contextmanager
def waive(
    family: Literal["sql", "nosql", "shell", "argument", "path"], *, reason: str, until: date
) -> Iterator[None]:
    """Let the firewall's findings of one family pass inside the block, up to and with `until`.

        with waive("sql", reason="report builder, admins only", until=date(2027, 3, 31)):
            connection.execute(query_of_an_administrator)

    After that day the finding is refused again, and the event says that the waiver has expired.
    Raises ConfigError without a reason of ten characters or more, or for more than a year.
    """
    if len(reason.strip()) < 10:
        raise ConfigError("a waiver needs a reason that a reviewer understands: say why, in words")
    if until > datetime.now(UTC).date() + LONGEST:
        raise ConfigError("a waiver holds for a year at most: choose an earlier date and renew it")
    token = granted.set((*granted.get(), Waiver(family, reason.strip(), until)))
    try:
        yield
    finally:
        granted.reset(token)

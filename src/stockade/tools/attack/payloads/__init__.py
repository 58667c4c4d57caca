"""Attack strings, one file a family: plain data, no logic. A technique's id never changes.

A technique says what it sends and what would prove it; it never looks at a status code. To add one,
add a line to its family's `TECHNIQUES`, and to the range a weak endpoint that it breaks.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from stockade.tools.attack.model import Technique

__all__ = ["FAMILIES", "Aim", "families"]

_numbers = itertools.count(1)

FAMILIES = ("sql", "shell", "path")
"""The families that are tried, in this order."""


class Aim(NamedTuple):
    """What one attempt aims at: the canaries planted before, and random numbers of its own."""

    leak: str
    """A SQL expression that gives `leaked`."""
    leaked: str
    rows: tuple[str, ...]
    """Texts that stand only in the rows planted in the application's own tables."""
    columns: tuple[str, ...]
    """Names of columns that hold something sensitive."""
    outside: str
    """The absolute path of a folder outside the application's, with `canary` and `canary.*`."""
    canary: str
    """What the files `canary` and `canary.*` hold."""
    listed: str
    """The name of another file there."""
    factors: tuple[int, int]
    mark: str
    """The name of a file that only this attempt would create."""
    content: str
    example: str
    """The honest value of the slot."""

    def afresh(self, example: str) -> Aim:
        """The same canaries, new random numbers."""
        return self._replace(
            example=example,
            factors=(
                1_000_003 + secrets.randbelow(9_000_000),
                1_000_003 + secrets.randbelow(9_000_000),
            ),
            mark=f"stk{next(_numbers)}{secrets.token_hex(4)}",
            content=secrets.token_hex(8),
        )

    @property
    def product(self) -> str:
        return str(self.factors[0] * self.factors[1])


@cache
def families() -> Mapping[str, tuple[Technique, ...]]:
    """Techniques by family."""
    from stockade.tools.attack.payloads import path, shell, sql

    return {"sql": sql.TECHNIQUES, "shell": shell.TECHNIQUES, "path": path.TECHNIQUES}

"""How many events of each kind there were: a row of our own for each, found by one look-up.

As in `core.tally`, an increment of a slot is not interrupted under the GIL, so publishing takes no
lock for it; a free-threaded interpreter may lose a few.
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import TypeAlias

from stockade.core.events import CATALOGUE, Lane
from stockade.core.sampling import SAMPLED

__all__ = ["OTHER", "EventRow", "EventRows"]

Key: TypeAlias = tuple[str, str, str]
"""Name, outcome, rule."""

OTHER = "(other)"
_MOST = 4_096


class EventRow:
    """One kind of event, what becomes of it, and how many there were."""

    __slots__ = ("audited", "n", "sampled")

    def __init__(self, name: str) -> None:
        self.n = 0
        self.audited = CATALOGUE[name].lane is Lane.AUDIT
        self.sampled = name in SAMPLED


class EventRows:
    """The rows of one bus."""

    def __init__(self) -> None:
        self._rows: dict[Key, EventRow] = {}
        self.get = self._rows.get
        self._adding = threading.Lock()

    def row(self, name: str, outcome: str, rule: str) -> EventRow:
        """The row of this kind, made at the first call; where there are too many, of `(other)`.

        Raises KeyError for a name that the catalogue does not list.
        """
        new = EventRow(name)
        with self._adding:
            key = (name, outcome, rule)
            if key not in self._rows and len(self._rows) >= _MOST:
                key = (name, outcome, OTHER)
            return self._rows.setdefault(key, new)

    def counts(self) -> Counter[Key]:
        """All of them, as they are now."""
        # A copy in one step, for another thread may add to it meanwhile.
        return Counter({key: row.n for key, row in list(self._rows.items()) if row.n})

    def start_over(self) -> None:
        """None at all, after a fork: those before are the parent's."""
        self._rows.clear()
        self._adding = threading.Lock()

"""Who read which secret: an event for the first read of a version at a call site in a minute.

Later reads of that minute are counted, and the site's next event brings the count along; so an
attacker's read of a secret is seen however often the application itself reads it elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import CodeType, FrameType

from stockade.core.bus import emit
from stockade.core.events import Outcome

__all__ = ["WINDOW", "Account", "Read"]

WINDOW = 60.0
"""Seconds."""

_MAX_SITES = 1_024


class Read:
    """Reads of one secret at one call site."""

    __slots__ = ("code", "count", "site", "until", "version")

    def __init__(self, frame: FrameType) -> None:
        code = frame.f_code
        self.code: CodeType = code  # kept, for the account is by id(code)
        module = frame.f_globals.get("__name__", "?")
        self.site = f"{module}.{code.co_qualname}:{frame.f_lineno}"
        self.version = 0
        self.until = 0.0
        self.count = 0


class Account:
    """The reads of one secret. Not locked: a race costs a count, a lock would cost every read."""

    __slots__ = ("_clock", "_label", "_reads")

    def __init__(self, label: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._label = label
        self._clock = clock
        self._reads: dict[tuple[int, int], Read] = {}

    def note(self, frame: FrameType, version: int) -> None:
        """Count a read that the code of `frame` made."""
        key = (id(frame.f_code), frame.f_lasti)
        read = self._reads.get(key)
        if read is not None and read.version == version and self._clock() < read.until:
            read.count += 1
            return
        self._publish(key, read, frame, version)

    def reads(self) -> dict[str, int]:
        """By call site, how many reads its last event has not told of."""
        return {read.site: read.count for read in self._reads.values()}

    def _publish(
        self, key: tuple[int, int], read: Read | None, frame: FrameType, version: int
    ) -> None:
        if read is None:
            if len(self._reads) >= _MAX_SITES:
                self._reads.clear()  # code made at run time; the sites that remain tell again
            read = self._reads[key] = Read(frame)
        earlier, read.count = read.count, 0
        read.version = version
        read.until = self._clock() + WINDOW
        emit(
            "secret_read",
            Outcome.ALLOWED,
            "secrets",
            "A secret was read; further reads at this place are counted for a minute.",
            rule="secrets.read",
            secret=self._label,
            version=version,
            site=read.site,
            reads_before=earlier,
        )

"""Texts that are the developer's own: they keep coming without any value of their request.

A text is learned at the second run (the fourth, the eighth …) if it resembles no value of that
request either, or one value that slipped through would open the door for all that follow.
"""

from __future__ import annotations

import threading

from stockade.core.inputs import Inputs
from stockade.firewall.resemblance import Coincidence, is_word, resembles

__all__ = ["KnownTexts"]

_MAX_KNOWN = 5_000
_MAX_LENGTH = 16_384
_MAX_SEEN = 20_000


class KnownTexts(dict[str, None]):
    """The texts that are known; `text in known` is all that a known one costs."""

    def __init__(self, *, is_coincidence: Coincidence = is_word) -> None:
        """`is_coincidence`: which short runs a text may share with a value by chance."""
        super().__init__()
        self._is_coincidence = is_coincidence
        self._trimming = threading.Lock()
        self._seen: dict[int, int] = {}

    def came_clean(self, text: str, inputs: Inputs) -> None:
        """Count a run of `text` in which no value of the request stood."""
        # By hash: what is seen once, a dynamic text, is not worth its memory.
        key, seen = hash(text), self._seen
        count = seen.get(key, 0) + 1
        if count == 1 and len(seen) >= _MAX_SEEN:
            seen.clear()
        seen[key] = count
        # The 2nd, 4th, 8th … time: a route whose own values resemble its query asks seldom.
        if (
            count > 1
            and not count & (count - 1)
            and not resembles(text, inputs, self._is_coincidence)
        ):
            self.learn(text)

    def learn(self, text: str) -> None:
        """Remember a text; the oldest are forgotten."""
        if len(text) > _MAX_LENGTH:
            return
        if len(self) >= _MAX_KNOWN:
            with self._trimming:
                for oldest in list(self)[: _MAX_KNOWN // 10]:
                    self.pop(oldest, None)
        self[text] = None

"""One function of the interpreter's or of asyncio's that is replaced by ours, and put back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["Hook"]


class Hook:
    """`owner.name` is, from here on, what `wrap` makes of it, until `undo`.

    Where somebody else has replaced it meanwhile, theirs stays, and ours below it goes on being
    called; whoever wraps has to be harmless then.
    """

    def __init__(self, owner: Any, name: str, wrap: Callable[[Any], Any]) -> None:
        self._owner = owner
        self._name = name
        self._inherited = name not in vars(owner)
        self._original = getattr(owner, name)
        self._ours = wrap(self._original)
        setattr(owner, name, self._ours)

    def undo(self) -> None:
        """Put the original back, if ours is still there."""
        if vars(self._owner).get(self._name) is not self._ours:
            return
        if self._inherited:
            delattr(self._owner, self._name)
        else:
            setattr(self._owner, self._name, self._original)

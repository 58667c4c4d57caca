"""The one audit hook (PEP 578). It cannot be removed once added, so sinks register and withdraw.

An event without a handler costs one dictionary look-up.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeAlias

__all__ = ["listen", "withdraw"]

Handler: TypeAlias = Callable[[tuple[Any, ...]], None]

_handlers: dict[str, Handler] = {}
_installed = False


def listen(event: str, handler: Handler) -> None:
    """Call `handler(args)` at each audit event of that name; what it raises stops the operation."""
    global _installed
    _handlers[event] = handler
    if not _installed:
        _installed = True
        find = _handlers.get

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            handler = find(event)
            if handler is not None:
                handler(arguments)

        sys.addaudithook(hook)


def withdraw(event: str) -> None:
    """Stop listening to an event."""
    _handlers.pop(event, None)

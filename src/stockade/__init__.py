"""Stockade: the defence layer of a Python web service.

    from stockade import Stockade
    stockade = Stockade.protect(app)

Names are loaded when they are first used: `from stockade.crypto import Keyring` pulls in no web
framework, and `import stockade` pulls in nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stockade.app import Stockade
    from stockade.core.errors import Blocked, Denied, Rejected, StockadeError
    from stockade.core.events import Event
    from stockade.core.secret import Secret

__all__ = ["Blocked", "Denied", "Event", "Rejected", "Secret", "Stockade", "StockadeError"]
__version__ = "0.1.0"

_HOME = {
    "Blocked": "stockade.core.errors",
    "Denied": "stockade.core.errors",
    "Event": "stockade.core.events",
    "Rejected": "stockade.core.errors",
    "Secret": "stockade.core.secret",
    "Stockade": "stockade.app",
    "StockadeError": "stockade.core.errors",
}


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'stockade' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

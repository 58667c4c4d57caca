"""`stockade attack`: prove what gets through. Exploits, not opinions.

    stockade attack shop.main:app --compare

Starts the application twice on loopback, from a temporary copy and in a clean environment: bare,
then behind Stockade. Reads its OpenAPI description, fills every slot that a client controls with
attack strings, and believes only effects: a planted secret in an answer, a changed row, a new file.
Endpoints where nothing works bare must not be refused behind Stockade either, and neither must
honest values anywhere.

`runner` joins `sandbox`, `server`, `description`, `campaign` and `report`; `payloads` holds what is
sent, one file a family; `oracles` decides what worked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stockade.tools.attack.report import Report
    from stockade.tools.attack.runner import run
    from stockade.tools.attack.sandbox import AttackError

__all__ = ["AttackError", "Report", "run"]

_HOMES = {"AttackError": "sandbox", "Report": "report", "run": "runner"}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

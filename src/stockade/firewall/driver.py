"""A database driver whose methods are replaced once the application imports it, and given back."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

import wrapt

from stockade.core.bus import emit
from stockade.core.events import Outcome
from stockade.firewall.engine import Guard

__all__ = ["Driver"]


class Driver:
    """One driver. Nothing imports it that the application does not use."""

    def __init__(self, module: str, patch: Callable[[Any], None]) -> None:
        """`patch` is called with the module, and replaces methods by `replace`."""
        self.guards: Mapping[str, Guard] = {}
        """By the name of the dialect; empty while switched off."""
        self._module = module
        self._patch = patch
        self._registered = False
        self._undo: list[Callable[[], object]] = []

    def install(self, guards: Mapping[str, Guard]) -> None:
        """Guard the driver, now or once it is imported."""
        self.guards = guards
        if not self._registered:
            self._registered = True
            wrapt.register_post_import_hook(self._imported, self._module)
        elif self._module in sys.modules:
            self._imported(sys.modules[self._module])

    def _imported(self, module: Any) -> None:
        if self.guards and not self._undo:
            self._patch(module)

    def replace(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        """Put `make(original)` in the place of an attribute; report one that is not there."""
        original = getattr(owner, name, None)
        if original is None:
            emit(
                "sink_unguarded",
                Outcome.FAILED,
                "firewall",
                "A version of a database driver that Stockade does not know: it is not guarded.",
                rule="sql.unguarded",
                driver=self._module,
                method=f"{owner.__name__}.{name}",
            )
            return
        inherited = name not in vars(owner)
        setattr(owner, name, make(original))
        self.on_uninstall(
            lambda: delattr(owner, name) if inherited else setattr(owner, name, original)
        )

    def on_uninstall(self, undo: Callable[[], object]) -> None:
        """Call `undo` when the driver gets its own back, the last first."""
        self._undo.append(undo)

    def uninstall(self) -> None:
        """Check nothing any more, and give the driver its own methods back."""
        self.guards = {}
        while self._undo:
            self._undo.pop()()

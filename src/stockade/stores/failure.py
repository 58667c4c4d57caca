"""The event of a store that cannot answer: whoever asked decides whether that opens or closes."""

from __future__ import annotations

from stockade.core.bus import emit
from stockade.core.events import Outcome

__all__ = ["tell"]


def tell(kind: str, error: str) -> None:
    """Publish `store_failed`; `error` is a constant or the name of an error code."""
    emit(
        "store_failed",
        Outcome.FAILED,
        "stores",
        "The store that defences share cannot answer.",
        rule=f"store.{kind}",
        error=error,
    )

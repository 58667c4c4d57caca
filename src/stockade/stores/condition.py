"""Whether a store answers: a probe for `core.health`."""

from __future__ import annotations

from stockade.core.errors import StoreError
from stockade.core.health import OK, State, Verdict
from stockade.core.ports import Store

__all__ = ["verdict"]


def verdict(store: Store) -> Verdict:
    """Failed where a read raises StoreError."""
    try:
        store.get("stockade:health")
    except StoreError:
        return Verdict(State.FAILED, "The store does not answer.")
    return OK

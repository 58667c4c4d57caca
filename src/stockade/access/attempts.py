"""How often signing in to an account failed before it succeeded (OWASP Logging Vocabulary).

Counted in the store, so that it does not matter which worker saw which attempt, an hour back, and
also for accounts that do not exist, or the time would tell which do. Nothing is decided by this
number, so where the store cannot answer (it has told of that itself) only the number is lost.
"""

from __future__ import annotations

from stockade.core.errors import StoreError
from stockade.core.ports import Store

__all__ = ["Attempts"]

_SECONDS = 3_600.0


class Attempts:
    """The failed attempts on each account, by the account's fingerprint."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def failed(self, account: str) -> None:
        """One more."""
        try:
            self._store.increment(_key(account), window=_SECONDS)
        except StoreError:
            pass

    def succeeded(self, account: str) -> int:
        """How many there were, which are forgotten."""
        key = _key(account)
        try:
            count = self._store.increment(key, window=_SECONDS, by=0)
            if count:
                self._store.delete(key)
        except StoreError:
            return 0
        return count


def _key(account: str) -> str:
    return "failed-sign-ins:" + account

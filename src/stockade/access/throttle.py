"""Make one client wait before it tries one account again, and nobody else (ASVS 5.0 V6.3.1).

Not a lock: the account's owner, at another address, signs in as ever, and sessions that already
stand never come here. So nobody can lock somebody else out by failing on purpose.
"""

from __future__ import annotations

import time

from stockade.core import context
from stockade.core.bus import emit
from stockade.core.context import RequestContext, running
from stockade.core.errors import ConfigError
from stockade.core.events import Outcome
from stockade.core.ports import Clock, Mac, Store

__all__ = ["StoreThrottle"]


class StoreThrottle:
    """`core.ports.Throttle` in a store. Errors: StoreError."""

    def __init__(self, store: Store, mac: Mac, *, clock: Clock = time.time) -> None:
        """The pair is keyed by `mac` before it is stored: the store names neither half."""
        self._store = store
        self._mac = mac
        self._clock = clock

    def wait(self, client: str, account: str) -> float:
        """Seconds that `client` must wait before it tries `account` again; 0.0 for none."""
        until = self._store.get(self._key(client, account))
        return 0.0 if until is None else max(0.0, float(until) - self._clock())

    def throttle(self, client: str, account: str, *, seconds: float, reason: str) -> None:
        """Make `client` wait `seconds` for `account`; a longer wait that stands is kept.

        `account` is what sign-in's events call `details.account`, a keyed fingerprint; `reason`
        is the constant id of a rule. Raises ConfigError unless `seconds` is positive.
        """
        if not 0 < seconds < float("inf"):
            raise ConfigError("a throttle needs a positive number of seconds; see watch.throttle")
        if seconds <= self.wait(client, account):
            return
        until = self._clock() + seconds
        self._store.put(self._key(client, account), b"%r" % until, ttl=seconds)
        # An event's own field for the client, which the audit log knows how to seal; who detects
        # works for no request, or for another client's.
        request = context.current()
        if request is None or request.client != client:
            request = RequestContext(client=client)
        with running(request):
            emit(
                "client_throttled",
                Outcome.BLOCKED,
                "access",
                "A client must wait before it tries this account again.",
                rule=reason,
                account=account,
                seconds=seconds,
            )

    def _key(self, client: str, account: str) -> str:
        # The length keeps ("a", "bc") and ("ab", "c") apart.
        pair = f"{len(client)}:{client}{account}".encode("utf-8", "backslashreplace")
        return "throttle:" + self._mac.mac(b"stockade.access.throttle\0" + pair).hex()

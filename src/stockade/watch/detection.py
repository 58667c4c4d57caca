"""Detection of guessed passwords: failed sign-ins of one client for one account.

The response throttles that pair and nothing else: no account is locked, so nobody can lock out
somebody else, and sessions that stand are left alone (ASVS 5.0 V6.3.1; MITRE ATT&CK T1110.001).
A slow window beside the fast one finds who waits between the attempts.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence

from stockade.core.bus import bus
from stockade.core.events import CATALOGUE, Event, Outcome, now
from stockade.core.ports import Clock, Throttle

__all__ = ["FailedSignIns"]

RULE = "STKD-001 failed-sign-ins"
TECHNIQUE = "T1110.001"
_SLOW_FACTOR = 4
_SLOW_WINDOW = 86_400.0
_SLOW_SECONDS = 900.0


class _Pair:
    __slots__ = ("quiet_until", "times")

    def __init__(self, keep: int) -> None:
        self.times: deque[float] = deque(maxlen=keep)
        self.quiet_until = float("-inf")


class FailedSignIns:
    """A batch subscriber: `bus.subscribe(FailedSignIns(throttle))`.

    It reads `authn_login_fail` events whose `details["account"]` is the fingerprint of the account;
    those marked `details["cross_site"]` do not count, for another site made the browser send them.
    """

    def __init__(
        self,
        throttle: Throttle | None,
        limit: int = 5,
        window: float = 300.0,
        seconds: float = 60.0,
        clock: Clock = time.monotonic,
        *,
        untrusted: Callable[[str], bool] | None = None,
        max_pairs: int = 10_000,
        publish: Callable[[Event], None] = bus.publish,
    ) -> None:
        """Throttle for `seconds` after `limit` failures within `window` seconds.

        Also after four times as many within a day, for 15 minutes or `seconds`, the longer.
        `throttle` None only reports. `untrusted` tells client addresses that stand for many people,
        such as a proxy's; they are never acted upon. At most `max_pairs` pairs are remembered, the
        longest idle forgotten first and counted in `forgotten`.
        """
        self.forgotten = 0
        self._throttle = throttle
        self._limit = limit
        self._window = window
        self._seconds = seconds
        self._slow_limit = limit * _SLOW_FACTOR
        self._clock = clock
        self._untrusted = untrusted
        self._max_pairs = max_pairs
        self._publish = publish
        self._pairs: OrderedDict[tuple[str, str], _Pair] = OrderedDict()

    def __call__(self, events: Sequence[Event]) -> None:
        """Count a batch. Raises what the throttle raised, after the whole batch was counted."""
        trouble: Exception | None = None
        for event in events:
            if event.name != "authn_login_fail":
                continue
            try:
                self._count(event)
            except Exception as error:
                trouble = error
        if trouble is not None:
            raise trouble

    def _count(self, event: Event) -> None:
        account = event.details.get("account")
        if not event.client or not account or event.details.get("cross_site"):
            return
        if self._untrusted is not None and self._untrusted(event.client):
            return
        at = self._clock()
        pair = self._pair((event.client, str(account)))
        pair.times.append(at)
        if at < pair.quiet_until:
            return
        fast = sum(1 for moment in pair.times if moment > at - self._window)
        slow = sum(1 for moment in pair.times if moment > at - _SLOW_WINDOW)
        if slow >= self._slow_limit:
            self._respond(event, pair, slow, _SLOW_WINDOW, max(self._seconds, _SLOW_SECONDS))
        elif fast >= self._limit:
            self._respond(event, pair, fast, self._window, self._seconds)

    def _pair(self, key: tuple[str, str]) -> _Pair:
        pair = self._pairs.get(key)
        if pair is None:
            if len(self._pairs) >= self._max_pairs:
                self._pairs.popitem(last=False)
                self.forgotten += 1
            pair = self._pairs[key] = _Pair(self._slow_limit)
        else:
            self._pairs.move_to_end(key)
        return pair

    def _respond(
        self, event: Event, pair: _Pair, failures: int, window: float, seconds: float
    ) -> None:
        account = str(event.details["account"])
        outcome = Outcome.OBSERVED
        try:
            if self._throttle is not None:
                outcome = Outcome.FAILED
                self._throttle.throttle(event.client, account, seconds=seconds, reason=RULE)
                outcome = Outcome.BLOCKED
            # Only now: where the throttle failed, the next failure must try again.
            pair.quiet_until = self._clock() + seconds
        finally:
            for name, reason in (
                ("authn_login_fail_max", "One client failed to sign in to one account too often."),
                ("detection_raised", "Somebody guesses the password of an account."),
            ):
                self._publish(
                    _about(event, name, outcome, reason, account, failures, window, seconds)
                )


def _about(
    event: Event,
    name: str,
    outcome: Outcome,
    reason: str,
    account: str,
    failures: int,
    window: float,
    seconds: float,
) -> Event:
    """An event about the client of `event`, which this thread does not work for."""
    return Event(
        time=now(),
        name=name,
        severity=CATALOGUE[name].severity,
        outcome=outcome,
        part="watch",
        request_id=event.request_id,
        trace_id=event.trace_id,
        client=event.client,
        principal=event.principal,
        resource=event.resource,
        reason=reason,
        rule=RULE,
        details={
            "account": account,
            "failures": failures,
            "window_seconds": window,
            "throttled_seconds": seconds if outcome is Outcome.BLOCKED else 0.0,
            "technique": TECHNIQUE,
        },
    )

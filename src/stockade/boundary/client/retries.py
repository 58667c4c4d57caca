"""When a call is made again, and after how long.

Only what may be repeated is: methods that are idempotent by definition (RFC 9110, 9.2.2), and
others that carry an `Idempotency-Key`, by which the service knows the second from the first. Only
after what a second try may mend: no connection, a connection that broke before the answer, 429,
502, 503, 504. Waits are drawn evenly from zero to a bound that doubles ("full jitter"), so that
clients which failed together do not come back together.

Sources: RFC 9110, 9.2.2 and 10.2.3 (Retry-After); draft-ietf-httpapi-idempotency-key-header;
M. Brooker, "Exponential Backoff And Jitter"; ASVS 5.0 V13.2.6.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from stockade.core.errors import ConfigError

__all__ = ["TRANSIENT", "Retries", "retry_after"]

TRANSIENT = frozenset((429, 502, 503, 504))
_IDEMPOTENT = frozenset(("GET", "HEAD", "OPTIONS", "PUT", "DELETE"))
_SECONDS = re.compile(r"[0-9]{1,9}\Z")
_draw = random.SystemRandom().uniform


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How often and how late. `Retries(tries=1)` never repeats. Raises ConfigError.

    `tries`: in all, the first included. `base`, `cap`: seconds; the n-th wait is drawn from zero to
    `min(cap, base * 2**n)`. `retry_after_cap`: the longest Retry-After, in seconds, that is waited
    for; a service that wants more gets no second try from this call.
    """

    tries: int = 3
    base: float = 0.2
    cap: float = 5.0
    retry_after_cap: float = 10.0

    def __post_init__(self) -> None:
        if self.tries < 1 or not (self.base >= 0 and self.cap >= 0 and self.retry_after_cap >= 0):
            raise ConfigError("Retries takes at least one try, and no negative seconds")

    def may_repeat(self, method: str, headers: Mapping[str, object]) -> bool:
        """Whether this request may be made twice; `headers` have lower-case names."""
        return method in _IDEMPOTENT or "idempotency-key" in headers

    def wait(self, tried: int, asked: float | None) -> float | None:
        """Seconds before the next try, or None for no more, after `tried` tries.

        `asked` is what the service's Retry-After says, if it says something.
        """
        if tried >= self.tries:
            return None
        # A float's power overflows long after any number of tries that ends.
        drawn = _draw(0.0, min(self.cap, self.base * 2.0 ** min(tried - 1, 64)))
        if asked is None:
            return drawn
        return None if asked > self.retry_after_cap else max(asked, drawn)


def retry_after(value: str | None) -> float | None:
    """Seconds that a Retry-After asks for: a number or a date; None for what is neither."""
    if value is None:
        return None
    if _SECONDS.match(value):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())

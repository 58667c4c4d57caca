"""The event of what was shown as ours and is not: a signature, a MAC, a password hash."""

from __future__ import annotations

from stockade.core.bus import emit
from stockade.core.events import Outcome

__all__ = ["tell_unverified"]


def tell_unverified(rule: str, cause: str) -> None:
    """Publish `crypt_verify_fail`; `rule` says what was checked, `cause` what is wrong with it."""
    emit(
        "crypt_verify_fail",
        Outcome.BLOCKED,
        "crypto",
        "What was shown as ours does not verify: it was changed, or is of another key.",
        rule=rule,
        cause=cause,
    )

"""What the audit log tells of itself: that it fails, works again, and what it holds by now."""

from __future__ import annotations

import time

from stockade.core.bus import emit, say
from stockade.core.errors import StockadeError
from stockade.core.events import Outcome
from stockade.core.ports import Clock
from stockade.watch.audit.recovery import Signed

__all__ = ["Teller"]

_COMPLAINT_SECONDS = 60.0
_ALERT_SECONDS = 3_600.0


class Teller:
    """Events and lines on standard error about one audit log."""

    def __init__(self, name: str, *, seconds: float, clock: Clock = time.monotonic) -> None:
        """`name` is what people call it, its path; a checkpoint is told every `seconds`."""
        self.failing = ""
        """Why nothing is signed at the moment; empty: it is."""
        self._name = name
        self._seconds = seconds
        self._clock = clock
        self._told = (float("-inf"), -1)
        self._alerted = clock()
        self._complained = float("-inf")

    def fails(self, error: OSError | StockadeError, unacknowledged: int) -> None:
        """At once where the reason is a new one, and then once a minute."""
        reason = _reason(error)
        fresh, self.failing = reason != self.failing, reason
        if not fresh and self._clock() - self._complained < _COMPLAINT_SECONDS:
            return
        self._complained = self._clock()
        say(f"the audit log {self._name} is not signed ({reason}); its entries wait in the spool")
        emit(
            "defence_failed",
            Outcome.FAILED,
            "watch",
            "The audit log cannot be continued; its entries wait in the spool.",
            rule="audit.sequencer",
            error=type(error).__name__,
            unacknowledged=unacknowledged,
        )

    def works(self) -> None:
        """After a turn that succeeded."""
        if self.failing:
            self.failing, self._complained = "", float("-inf")
            say(f"the audit log {self._name} is signed again")
            _recovered("The audit log is signed again.", "audit.sequencer")

    def keeps_old(self, error: OSError | StockadeError) -> None:
        """What has its age stays; everything is signed nevertheless."""
        say(f"old entries of the audit log {self._name} cannot be removed ({_reason(error)})")
        emit(
            "defence_failed",
            Outcome.FAILED,
            "watch",
            "Old entries of the audit log cannot be removed.",
            rule="audit.retention",
            error=type(error).__name__,
        )

    def computed_again(self) -> None:
        say(f"tiles of the audit log {self._name} were computed again, as after a power cut")
        _recovered("Tiles of the audit log were computed again from its spool.", "audit.replayed")

    def checkpoint(self, signed: Signed | None, *, last: bool = False) -> None:
        """The newest checkpoint: whoever keeps the event log can hold the audit log to it.

        Once an hour it goes to the alert channel too.
        """
        if signed is None or signed.checkpoint.size == self._told[1]:
            return
        if not last and self._clock() - self._told[0] < self._seconds:
            return
        self._told = (self._clock(), signed.checkpoint.size)
        alert = self._clock() - self._alerted >= _ALERT_SECONDS
        if alert:
            self._alerted = self._clock()
        emit(
            "audit_checkpoint",
            Outcome.ALLOWED,
            "watch",
            "What the audit log holds by now is signed.",
            rule="audit.alert" if alert else "audit.checkpoint",
            origin=signed.checkpoint.origin,
            size=signed.checkpoint.size,
            checkpoint=signed.note.encode().decode(),
        )


def _reason(error: OSError | StockadeError) -> str:
    return error.strerror or "an error" if isinstance(error, OSError) else str(error)


def _recovered(reason: str, rule: str) -> None:
    emit("defence_recovered", Outcome.ALLOWED, "watch", reason, rule=rule)

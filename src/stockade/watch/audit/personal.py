"""Personal fields of audit entries, sealed: who forgets the key forgets the person.

`client` and `principal` are sealed by a key of the principal's, or where nobody is signed in, of
the client address's. Equal texts of one person look the same in the log until their key is renewed.
"""

from __future__ import annotations

import threading

from msgspec.structs import replace

from stockade.core.bus import emit, say
from stockade.core.events import Event, Outcome
from stockade.core.ports import PersonalFields

__all__ = ["UNSEALED", "Personal"]

UNSEALED = "[not sealed]"
"""Stands where a field could not be sealed: it is lost rather than told."""


class Personal:
    """What `AuditTrail` does with each event first. Never raises."""

    def __init__(self, fields: PersonalFields) -> None:
        self.failures = 0
        self._fields = fields
        self._at_work = threading.local()

    def __call__(self, event: Event) -> Event:
        """The event with sealed fields; the one that was published stays as it is."""
        subject = event.principal or event.client
        if not subject:
            return event
        if getattr(self._at_work, "now", False):  # what failed in here is an event itself
            return _unsealed(event)
        self._at_work.now = True
        try:
            return self._sealed(event, subject)
        finally:
            self._at_work.now = False

    def _sealed(self, event: Event, subject: str) -> Event:
        try:
            client = self._fields.seal(subject, event.client) if event.client else ""
            principal = self._fields.seal(subject, event.principal) if event.principal else ""
        except Exception as error:
            self._tell(error)
            return _unsealed(event)
        return replace(event, client=client, principal=principal)

    def _tell(self, error: Exception) -> None:
        self.failures += 1
        if self.failures & (self.failures - 1):  # the 1st, 2nd, 4th, 8th …
            return
        kind = type(error).__name__
        say(f"personal fields cannot be sealed ({kind}); the audit log is written without them")
        emit(
            "defence_failed",
            Outcome.FAILED,
            "watch",
            "Personal fields cannot be sealed; the audit log is written without them.",
            rule="audit.personal",
            error=kind,
            count=self.failures,
        )


def _unsealed(event: Event) -> Event:
    return replace(
        event,
        client=UNSEALED if event.client else "",
        principal=UNSEALED if event.principal else "",
    )

"""Personal fields of audit entries, sealed: who forgets the key forgets the person.

`principal` is sealed by a key of its own. `client` is sealed by the address's key, and around that,
where somebody is signed in, by the principal's: it is gone when either of them is forgotten. Equal
texts look the same in the log for a minute at most, and only as one process wrote them.

Details are left as they are: what they say of an account is a keyed fingerprint.
"""

from __future__ import annotations

import threading
import time

from msgspec.structs import replace

from stockade.core.bus import emit, say
from stockade.core.events import Event, Outcome
from stockade.core.ports import Clock, PersonalFields

__all__ = ["UNSEALED", "Personal"]

UNSEALED = "[not sealed]"
"""Stands where a field could not be sealed: it is lost rather than told."""
_QUIET_SECONDS = 10.0
"""Without a failure, before it counts as recovered: some keys may work where others do not."""


class Personal:
    """What `AuditTrail` does with each event first. Never raises."""

    def __init__(self, fields: PersonalFields, *, clock: Clock = time.monotonic) -> None:
        self.failures = 0
        self._fields = fields
        self._clock = clock
        self._since_recovery = 0
        self._failed = 0.0
        self._at_work = threading.local()

    def __call__(self, event: Event) -> Event:
        """The event with sealed fields; the one that was published stays as it is."""
        if not (event.principal or event.client):
            return event
        if getattr(self._at_work, "now", False):  # what failed in here is an event itself
            return _unsealed(event)
        self._at_work.now = True
        try:
            return self._sealed(event)
        finally:
            self._at_work.now = False

    def _sealed(self, event: Event) -> Event:
        client, principal = event.client, event.principal
        account = f"account:{principal}"
        try:
            if client:
                around = (account,) if principal else ()
                client = self._fields.seal(f"address:{client}", client, *around)
            if principal:
                principal = self._fields.seal(account, principal)
        except Exception as error:
            self._tell(error)
            return _unsealed(event)
        if self._since_recovery:
            self._tell_recovery()
        return replace(event, client=client, principal=principal)

    def _tell(self, error: Exception) -> None:
        self.failures += 1
        self._since_recovery += 1
        self._failed = self._clock()
        if self._since_recovery & (self._since_recovery - 1):  # the 1st, 2nd, 4th, 8th …
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

    def _tell_recovery(self) -> None:
        if self._fields.failing or self._clock() - self._failed < _QUIET_SECONDS:
            return
        self._since_recovery = 0
        say("personal fields are sealed again")
        emit(
            "defence_recovered",
            Outcome.ALLOWED,
            "watch",
            "Personal fields are sealed again.",
            rule="audit.personal",
            count=self.failures,
        )


def _unsealed(event: Event) -> Event:
    return replace(
        event,
        client=UNSEALED if event.client else "",
        principal=UNSEALED if event.principal else "",
    )

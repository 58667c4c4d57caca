"""Tickets: what opens a WebSocket where the session's cookie cannot (ASVS 5.0 V4.4.3, V4.4.4).

    ticket = stockade.tickets.issue(session)          # in an answer over https, to who is signed in
    session = stockade.tickets.redeem(ticket)         # in the handshake; None: close it

A page of another host, or a mobile application, has no cookie to send with the handshake, and a
session's own token in an address ends in logs. A ticket is 256 random bits, good once and for half
a minute, and worth what its session is worth when it is redeemed: signed out, idle or revoked
meanwhile, it opens nothing. The store sees a digest only.

What a ticket opens stays open: end it yourself when the session ends (`Sessions.check_id`).
"""

from __future__ import annotations

import hashlib
import re
import secrets

from stockade.access.sessions import Session, Sessions
from stockade.core.bus import emit
from stockade.core.errors import ConfigError
from stockade.core.events import Outcome
from stockade.core.ports import Store
from stockade.core.secret import Secret

__all__ = ["Tickets"]

_TICKET = re.compile(r"[A-Za-z0-9_-]{43}\Z")


class Tickets:
    """Issues and redeems them; thread-safe. Errors: StoreError; nobody is let in then."""

    def __init__(self, store: Store, sessions: Sessions, *, seconds: float = 30.0) -> None:
        """A ticket is good for `seconds`. Raises ConfigError."""
        if not seconds > 0:
            raise ConfigError("a ticket is good for some seconds, more than none")
        self._store, self._sessions, self._seconds = store, sessions, seconds

    def issue(self, session: Session) -> Secret[str]:
        """A ticket for the session that `Sessions.check` has just found."""
        ticket = secrets.token_urlsafe(32)
        self._store.put(_key(ticket), session.id.encode(), ttl=self._seconds)
        return Secret(ticket, label="ticket")

    def redeem(self, ticket: str) -> Session | None:
        """The session that `ticket` stands for, once; the current request's principal is set.

        None, with an event, for one that was never issued, was used, is too old, or whose session
        has ended.
        """
        session = self._taken(ticket)
        if session is None:
            emit(
                "request_refused",
                Outcome.BLOCKED,
                "access",
                "A ticket was not issued here, was used before, is too old, or its session ended.",
                rule="access.ticket",
            )
        return session

    def _taken(self, ticket: str) -> Session | None:
        if not _TICKET.match(ticket):
            return None
        key = _key(ticket)
        held = self._store.get(key)
        # Of two that redeem it at once, `only` lets one through.
        if held is None or not self._store.delete(key, only=held):
            return None
        return self._sessions.check_id(held.decode())


def _key(ticket: str) -> str:
    return "ticket:" + hashlib.sha256(ticket.encode()).hexdigest()

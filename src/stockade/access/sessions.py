"""Sessions: opaque tokens, of which the store never sees more than a digest (ASVS 5.0 V7).

A token is 256 random bits; its SHA-256 is the session's id and may be shown to people. A fast
hash is enough, since nobody guesses 256 bits. A token that this service did not issue is never
adopted, and each sign-in issues a new one: session fixation has nothing to hold on to (CWE-384).

A record never changes while the session lives. What idles is kept beside it, so that a renewal
that races with a revocation cannot bring the session back. An ended session leaves a mark until
its absolute limit: a token that is used after its end is a stolen one as often as not.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Callable
from typing import Literal

import msgspec

from stockade.core import context
from stockade.core.bus import emit
from stockade.core.errors import ConfigError, Denied
from stockade.core.events import Outcome
from stockade.core.ports import Clock, Store
from stockade.core.secret import Secret

__all__ = ["Cause", "Issued", "Session", "Sessions"]

Cause = Literal["idle", "absolute", "revoked", "signed_out", "replaced"]

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_RENEWALS = 10  # writes in an idle period, at most: that much earlier may a session idle out
_QUIET = 60.0  # seconds in which one dead token is reported once


class Session(msgspec.Struct, frozen=True):
    """One session. Times are seconds since the epoch; `expires` is the absolute limit.

    `id` is the token's digest: it names the session and does not open it.
    """

    id: str
    account: str
    created: float
    expires: float
    client: str = ""


class Issued(msgspec.Struct, frozen=True):
    """A new session and its token, which is shown to the client once and kept nowhere."""

    token: Secret[str]
    session: Session


class _Ended(msgspec.Struct, frozen=True):
    account: str
    ended: float
    cause: str


class _Record(msgspec.Struct, frozen=True):
    live: Session | None = None
    ended: _Ended | None = None


_encode = msgspec.json.Encoder().encode
_decode: Callable[[bytes], _Record] = msgspec.json.Decoder(_Record).decode


class Sessions:
    """Issues, checks and ends sessions; a `core.ports.SessionRevoker`.

    Errors: StoreError where the store cannot answer; nobody is let in then.
    """

    def __init__(
        self,
        store: Store,
        *,
        idle: float = 1_800.0,
        absolute: float = 43_200.0,
        clock: Clock = time.time,
    ) -> None:
        """`idle` and `absolute` are in seconds (ASVS 5.0 V7.3). Raises ConfigError.

        A session idles out after 0.9 to 1.0 of `idle`, never later: it is renewed by a write at
        most ten times in an idle period, not by every request.
        """
        if not 0 < idle <= absolute:
            raise ConfigError(
                "access.session_idle must be positive and at most access.session_absolute"
            )
        self._store = store
        self._idle = idle
        self.absolute = absolute
        self._clock = clock

    @property
    def store(self) -> Store:
        """Where they are kept."""
        return self._store

    def create(
        self, account: str, *, replaces: str | None = None, since: float | None = None
    ) -> Issued:
        """A new session for `account`, under a new token.

        `replaces` is the token that the client sent, if any: that session ends. `since` is when the
        proof of identity began. Raises Denied (401) where the account was revoked after that.
        """
        if replaces:
            self.end(replaces, cause="replaced")
        token = secrets.token_urlsafe(32)
        now = self._clock()
        request = context.current()
        session = Session(
            id=_digest(token),
            account=account,
            created=now,
            expires=now + self.absolute,
            client="" if request is None else request.client,
        )
        # The account's index first: a session that revocation cannot find must not exist. Both
        # outlast the session, or its end would pass unnoticed.
        self._store.put(_index(account) + session.id, b"", ttl=2 * self.absolute)
        self._store.put(_seen(session.id), b"%r" % now, ttl=self._idle)
        self._store.put(_key(session.id), _encode(_Record(live=session)), ttl=2 * self.absolute)
        emit(
            "session_created",
            Outcome.ALLOWED,
            "access",
            "A session was created at sign-in.",
            rule="access.session",
            principal=account,
            session=session.id[:12],
        )
        cut = self._store.get(_cut(account))
        if cut is not None and since is not None and since <= float(cut):
            self.revoke(session.id)
            raise Denied("the account's sessions were ended meanwhile; sign in again", status=401)
        return Issued(Secret(token, label="session token"), session)

    def check(self, token: str) -> Session | None:
        """The session that `token` opens, or None; the current request's principal is set."""
        return self.check_id(_digest(token)) if _TOKEN.match(token) else None

    def check_id(self, id: str) -> Session | None:
        """The same by the session's id, for who has shown something else than its token."""
        data = self._store.get(_key(id))
        if data is None:
            return None
        record = _decode(data)
        session, now = record.live, self._clock()
        if session is None:
            self._report_late_use(id, record.ended)
            return None
        if now >= session.expires:
            self._finish(session, data, "absolute")
            return None
        seen = self._store.get(_seen(id))
        if seen is None or now >= float(seen) + self._idle:
            self._finish(session, data, "idle")
            return None
        if now >= float(seen) + self._idle / _RENEWALS:
            self._renew(session, now)
        request = context.current()
        if request is not None:
            request.identify(session.account)
        return session

    def end(self, token: str, *, cause: Cause = "signed_out") -> bool:
        """End the session that `token` opens, as sign-out does; True if there was one."""
        return bool(_TOKEN.match(token)) and self._end(_digest(token), cause)

    def revoke(self, session_id: str) -> int:
        """End one session by its id; how many were ended."""
        return int(self._end(session_id, "revoked"))

    def revoke_account(self, account: str) -> int:
        """End every session of `account`, and those whose sign-in is under way (V7.4.2)."""
        self._store.put(_cut(account), b"%r" % self._clock(), ttl=self.absolute)
        prefix = _index(account)
        ids = [key.removeprefix(prefix) for key, _ in self._store.scan(prefix)]
        return sum(self._end(id, "revoked") for id in ids)

    def list(self, account: str) -> list[Session]:
        """The live sessions of `account`, oldest first, for its owner to see and end (V7.5.2)."""
        prefix, now = _index(account), self._clock()
        found = []
        for key, _ in self._store.scan(prefix):
            id = key.removeprefix(prefix)
            data = self._store.get(_key(id))
            session = None if data is None else _decode(data).live
            if session and now < session.expires and self._store.get(_seen(id)) is not None:
                found.append(session)
        return sorted(found, key=lambda session: session.created)

    def _renew(self, session: Session, now: float) -> None:
        self._store.put(_seen(session.id), b"%r" % now, ttl=self._idle)
        emit(
            "session_renewed",
            Outcome.ALLOWED,
            "access",
            "A session is in use, so it idles out later; its absolute limit stands.",
            rule="access.session",
            principal=session.account,
            session=session.id[:12],
            age=round(now - session.created),
        )

    def _end(self, id: str, cause: Cause) -> bool:
        data = self._store.get(_key(id))
        session = None if data is None else _decode(data).live
        return data is not None and session is not None and self._close(session, data, cause)

    def _finish(self, session: Session, data: bytes, cause: Cause) -> None:
        if self._close(session, data, cause):
            # A page sends several requests at once: its other ones are no sign of theft.
            self._store.add(_late(session.id), b"", ttl=_QUIET)

    def _close(self, session: Session, data: bytes, cause: Cause) -> bool:
        # Of several that end it at once, `only` lets one through: one end, one event.
        if not self._store.delete(_key(session.id), only=data):
            return False
        now = self._clock()
        mark = _encode(_Record(ended=_Ended(session.account, now, cause)))
        self._store.put(_key(session.id), mark, ttl=self.absolute)
        self._store.delete(_seen(session.id))
        self._store.delete(_index(session.account) + session.id)
        emit(
            "session_expired",
            Outcome.OBSERVED,
            "access",
            "A session ended; details.cause says why.",
            rule="access.session",
            principal=session.account,
            session=session.id[:12],
            cause=cause,
            age=round(now - session.created),
        )
        return True

    def _report_late_use(self, id: str, ended: _Ended | None) -> None:
        if ended is None or not self._store.add(_late(id), b"", ttl=_QUIET):
            return
        emit(
            "session_use_after_expire",
            Outcome.BLOCKED,
            "access",
            "A session's token was used after the session had ended.",
            rule="access.session",
            principal=ended.account,
            session=id[:12],
            cause=ended.cause,
            after=round(self._clock() - ended.ended),
        )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _key(id: str) -> str:
    return "session:" + id


def _seen(id: str) -> str:
    return "session-seen:" + id


def _late(id: str) -> str:
    return "session-late:" + id


def _index(account: str) -> str:
    # Of a fixed length, so that no account's prefix is the beginning of another's.
    return f"session-of:{_digest(account)}:"


def _cut(account: str) -> str:
    return "session-cut:" + _digest(account)

"""Sign-in by name and password (ASVS 5.0 V6.3, NIST SP 800-63B-4 section 3.1.1, CWE-204, CWE-208).

One password hash is computed for every attempt that is let through, whether the account exists or
not, and every failure has the same answer. Who is throttled is turned away before the hash, which
is what costs time and memory.

The calls are synchronous, for a password hash blocks. In FastAPI write the endpoint with a plain
`def`; in other asynchronous code call `await asyncio.to_thread(sign_in, name, password)`.
"""

from __future__ import annotations

import secrets
import time
import unicodedata
from collections.abc import Callable
from typing import Protocol

from stockade.access.attempts import Attempts
from stockade.access.sessions import Issued, Sessions
from stockade.core import context
from stockade.core.bus import emit
from stockade.core.errors import Denied, StockadeError, Throttled
from stockade.core.events import Outcome
from stockade.core.ports import Clock, Mac, PasswordHasher, Throttle

__all__ = ["Account", "Accounts", "SignIn"]

MAX_PASSWORD = 1_024  # characters; V6.2.9 asks for at least 64


class Account(Protocol):
    """What sign-in needs to know of an account."""

    @property
    def id(self) -> str: ...

    @property
    def password_hash(self) -> str: ...


class Accounts(Protocol):
    """The application's accounts."""

    def lookup(self, name: str) -> Account | None:
        """The account that signs in as `name`, or None.

        It must take the same time for both, as a query on an indexed column does.
        """
        ...


class SignIn:
    """Checks a name and a password and creates a session."""

    def __init__(
        self,
        accounts: Accounts,
        hasher: PasswordHasher,
        sessions: Sessions,
        throttle: Throttle,
        mac: Mac,
        *,
        save_hash: Callable[[Account, str], None] | None = None,
        clock: Clock = time.time,
    ) -> None:
        """`save_hash` stores a new hash where the hasher's parameters have moved on.

        `clock` is the clock of `sessions`.
        """
        self._accounts = accounts
        self._hasher = hasher
        self._sessions = sessions
        self._throttle = throttle
        self._mac = mac
        self._save_hash = save_hash
        self._clock = clock
        self._attempts = Attempts(sessions.store)
        # Made now: the first unknown name must not take longer than the second.
        self._dummy = hasher.hash(secrets.token_urlsafe(32))

    def __call__(self, name: str, password: str, *, replaces: str | None = None) -> Issued:
        """A new session and its token; `replaces` is the token that the client sent, if any.

        Raises Throttled (429) before anything costly, Denied (401) for a name or password that
        is wrong, StoreError (503) where the state store cannot answer.
        """
        started = self._clock()
        account = self._accounts.lookup(name)
        who = self._fingerprint(name, account)
        principal = self._mac.fingerprint("name:" + _clean(name))
        self._turn_away_throttled(who, principal)
        if not self._matches(account, password) or account is None:
            emit(
                "authn_login_fail",
                Outcome.BLOCKED,
                "access",
                "The name or the password is wrong.",
                rule="access.sign-in",
                principal=principal,
                account=who,
            )
            self._attempts.failed(who)
            raise Denied("the name or the password is wrong; try again", status=401)
        if self._save_hash is not None and self._hasher.needs_rehash(account.password_hash):
            self._save_hash(account, self._hasher.hash(password))
        issued = self._sessions.create(account.id, replaces=replaces, since=started)
        emit(
            "authn_login_success",
            Outcome.ALLOWED,
            "access",
            "A person signed in.",
            rule="access.sign-in",
            principal=principal,
            account=who,
            session=issued.session.id[:12],
        )
        if failures := self._attempts.succeeded(who):
            emit(
                "authn_login_successafterfail",
                Outcome.ALLOWED,
                "access",
                "A person signed in to an account for which attempts had failed before.",
                rule="access.sign-in",
                principal=principal,
                account=who,
                failures=failures,
                session=issued.session.id[:12],
            )
        return issued

    def account_fingerprint(self, name: str) -> str:
        """What the events and the throttle call the account that signs in as `name`."""
        return self._fingerprint(name, self._accounts.lookup(name))

    def _fingerprint(self, name: str, account: Account | None) -> str:
        # By the id where there is one: "Ann" and "ann" may be one account, and must not be two
        # for the throttle. An unknown name is folded likewise, or the difference would tell.
        if account is not None:
            return self._mac.fingerprint("account:" + account.id)
        return self._mac.fingerprint("unknown:" + _clean(name))

    def _turn_away_throttled(self, who: str, principal: str) -> None:
        request = context.current()
        wait = self._throttle.wait("" if request is None else request.client, who)
        if wait <= 0:
            return
        emit(
            "excess_rate_limit_exceeded",
            Outcome.BLOCKED,
            "access",
            "A throttled client tried to sign in; its password was not looked at.",
            rule="access.throttle",
            principal=principal,
            account=who,
            wait=round(wait, 3),
        )
        raise Throttled("too many failed sign-ins; wait and try again", retry_after=wait)

    def _matches(self, account: Account | None, password: str) -> bool:
        # Whatever is odd about the attempt, exactly one hash is computed.
        plausible = len(password) <= MAX_PASSWORD and not _has_surrogate(password)
        encoded = self._dummy if account is None else account.password_hash
        try:
            right = self._hasher.verify(encoded, password if plausible else "")
        except StockadeError as error:
            emit(
                "defence_failed",
                Outcome.FAILED,
                "access",
                "A stored password hash cannot be used; this account cannot sign in.",
                rule="access.sign-in",
                error=type(error).__name__,
                account="" if account is None else self._mac.fingerprint("account:" + account.id),
            )
            return False
        return right and plausible


def _clean(name: str) -> str:
    carried = name.encode("utf-8", "replace").decode()
    return unicodedata.normalize("NFKC", carried).casefold().strip()


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)

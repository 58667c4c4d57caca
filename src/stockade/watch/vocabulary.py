"""Events that only the application can tell: who read what, whose account changed, what was denied.

    stockade.event("sensitive_read", about="patient.notes", id=patient.id, count=12)
    stockade.event("user_created", account=account.id, role="clinician")
    stockade.event("authz_change", account=account.id, before="reception", after="admin")

Names and levels are those of the OWASP Logging Vocabulary. Client, principal, request and route are
the current request's. Ids become keyed fingerprints, the same in every process and for as long as
the MAC key is not rotated: `stockade.event.fingerprint("patient.notes", id)` finds them again.

What an event says is chosen by the developer: type checkers admit only literal texts, numbers and
truth values as details. At run time a text of another kind than `[A-Za-z0-9_.:-]`, or of more than
64 characters, is a fingerprint as well, anything else the name of its type, and no event has more
than sixteen details. An audit event that cannot be written fails open, as all do, and loudly.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, overload

from stockade.core.bus import emit
from stockade.core.events import Event, Outcome
from stockade.core.ports import Mac
from stockade.watch.meanings import meaning

if TYPE_CHECKING:
    from typing import LiteralString
    from uuid import UUID

    Id = str | int | UUID
    Detail = LiteralString | int | float | bool | None

__all__ = ["ApplicationEvents", "accounts", "changes", "subjects"]

Accounts = Literal[
    "authn_impossible_travel",
    "authn_login_fail",
    "authn_login_fail_max",
    "authn_login_lock",
    "authn_login_success",
    "authn_login_successafterfail",
    "authn_password_change",
    "authn_password_change_fail",
    "authn_token_created",
    "authn_token_delete",
    "authn_token_reuse",
    "authn_token_revoked",
    "session_created",
    "session_expired",
    "session_renewed",
    "session_use_after_expire",
    "user_archived",
    "user_created",
    "user_deleted",
    "user_updated",
]
"""Events about an account: `account` is its id."""
Subjects = Literal[
    "authz_admin",
    "authz_fail",
    "malicious_direct_reference",
    "malicious_extraneous",
    "sensitive_create",
    "sensitive_delete",
    "sensitive_read",
    "sensitive_update",
    "sequence_fail",
    "upload_complete",
    "upload_delete",
    "upload_stored",
    "upload_validation",
]
"""Events about a thing: `about` is its kind, `id` which of them."""
Changes = Literal["authz_change", "privilege_permissions_changed"]
"""Events about permissions: `before` and `after`, and an `account`, or a thing."""

accounts: tuple[str, ...] = Accounts.__args__  # type: ignore[attr-defined]
subjects: tuple[str, ...] = Subjects.__args__  # type: ignore[attr-defined]
changes: tuple[str, ...] = Changes.__args__  # type: ignore[attr-defined]
_NAMES = frozenset((*accounts, *subjects, *changes))
_BLOCKED = frozenset(
    (
        "authn_login_fail",
        "authn_login_fail_max",
        "authn_login_lock",
        "authn_password_change_fail",
        "authn_token_reuse",
        "authz_fail",
        "malicious_direct_reference",
        "malicious_extraneous",
        "sequence_fail",
        "session_use_after_expire",
    )
)
_WORD = re.compile(r"[A-Za-z0-9_.:-]{1,64}\Z")
_MOST_DETAILS = 16


class ApplicationEvents:
    """Publishes the application's own events; `Stockade.event` is one."""

    def __init__(self, mac: Callable[[str], Mac]) -> None:
        """`mac` gives the MAC of a purpose, such as `Keyring.mac`."""
        self._mac = mac

    @overload
    def __call__(
        self,
        name: Accounts,
        reason: LiteralString = ...,
        *,
        account: Id,
        by: Id | None = ...,
        outcome: Literal["allowed", "blocked", "observed", "failed"] | None = ...,
        **details: Detail,
    ) -> None: ...
    @overload
    def __call__(
        self,
        name: Subjects,
        reason: LiteralString = ...,
        *,
        about: LiteralString,
        id: Id | None = ...,
        by: Id | None = ...,
        outcome: Literal["allowed", "blocked", "observed", "failed"] | None = ...,
        **details: Detail,
    ) -> None: ...
    @overload
    def __call__(
        self,
        name: Changes,
        reason: LiteralString = ...,
        *,
        before: LiteralString,
        after: LiteralString,
        account: Id | None = ...,
        about: LiteralString = ...,
        id: Id | None = ...,
        by: Id | None = ...,
        outcome: Literal["allowed", "blocked", "observed", "failed"] | None = ...,
        **details: Detail,
    ) -> None: ...
    def __call__(
        self,
        name: str,
        reason: str = "",
        *,
        account: Any = None,
        about: Any = "",
        id: Any = None,
        by: Any = None,
        outcome: Any = None,
        **details: Any,
    ) -> None:
        """Publish the event `name` of the vocabulary, in the audit lane.

        `reason` is a constant sentence, by default the name's meaning; `by` is who did it, where
        no request says so. Raises TypeError for a name that is not the application's to tell, and
        where what the name needs is missing.
        """
        self._require(name, account, about, details)
        told: dict[str, Any] = {}
        if account is not None:
            told["account"] = self.account(account)
        if about:
            told["object"] = self._told(about)
        if id is not None:
            told["object_id"] = self.fingerprint(about, id)
        for key, value in list(details.items())[:_MOST_DETAILS]:
            told[key] = self._told(value)
        if len(details) > _MOST_DETAILS:
            told["details_left_out"] = len(details) - _MOST_DETAILS
        usual = Outcome.BLOCKED if name in _BLOCKED else Outcome.ALLOWED
        emit(
            name,
            usual if outcome is None else Outcome(outcome),
            "app",
            reason or meaning(name),
            rule="app.event",
            principal=None if by is None else str(by),
            **told,
        )

    def fingerprint(self, about: str, id: Id) -> str:
        """What events call the thing of this kind and id: 16 hexadecimal digits."""
        return self._mac("events").fingerprint(f"{len(about)}:{about}{id}")

    def account(self, id: Id) -> str:
        """What events call this account; the same as sign-in does with `keyring.mac("sign-in")`."""
        return self._mac("sign-in").fingerprint(f"account:{id}")

    def _require(self, name: str, account: Id | None, about: str, details: dict[str, Any]) -> None:
        if name not in _NAMES:
            raise TypeError(
                f"{name!r} is not an event that an application tells; docs/reference/events.md "
                "lists those that are"
            )
        missing = [key for key in ("before", "after") if name in changes and key not in details]
        if name in accounts and account is None:
            missing.append("account")
        if name in subjects and not about:
            missing.append("about")
        if name in changes and account is None and not about:
            missing.append("account (or about)")
        if taken := [key for key in details if key in Event.__struct_fields__]:
            raise TypeError(f"{taken[0]} is a field of every event: choose another name for it")
        if missing:
            raise TypeError(f"{name} needs {', '.join(missing)}")

    def _told(self, value: object) -> object:
        if value is None or isinstance(value, bool | int | float):
            return value
        if not isinstance(value, str):
            return type(value).__qualname__
        if _WORD.match(value):
            return value
        return {"length": len(value), "value": self._mac("events").fingerprint(value)}

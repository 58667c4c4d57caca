"""access: people and services doing what they may, and nothing else (ASVS 5.0 V6, V7, V8).

- `Sessions`: opaque 256-bit tokens of which the store keeps a digest only; a new token at each
  sign-in; idle and absolute limits; ended at once, one by one or for a whole account.
- `SignIn`: the same time and the same answer for accounts that do not exist; asks a throttle
  before it spends a password hash; failures are events that a detector can count.
- `StoreThrottle`: makes one client wait for one account, and nobody else.
- `Tickets`: open a WebSocket where the session's cookie cannot, once and for half a minute.
- `Policies`: Cedar policies, validated at start; deny by default; an error in any of them denies.
- `stockade.access.fastapi`: `permit`, `signed_in`, `same_origin` and the session cookie.

Which to choose: `permit` on every route of a FastAPI application; `Policies.decide` anywhere else.

Fail mode: closed. Where the store or the policies cannot answer, nobody gets in and nobody may do
anything; the error says which it was (StoreError is a 503, Denied a 401 or 403).

Limits. A throttle holds one client address back for one account: guessing from many addresses is
the detector's work, and addresses mean something only where `request.trusted_proxies` is right.
Sign-in answers in the same time as long as the application's own `lookup` does.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stockade.access.entity import Entity
    from stockade.access.policy import Decision, Policies
    from stockade.access.sessions import Issued, Session, Sessions
    from stockade.access.signin import Account, Accounts, SignIn
    from stockade.access.throttle import StoreThrottle
    from stockade.access.tickets import Tickets

__all__ = [
    "Account",
    "Accounts",
    "Decision",
    "Entity",
    "Issued",
    "Policies",
    "Session",
    "Sessions",
    "SignIn",
    "StoreThrottle",
    "Tickets",
]

_HOME = {
    "Account": "signin",
    "Accounts": "signin",
    "Decision": "policy",
    "Entity": "entity",
    "Issued": "sessions",
    "Policies": "policy",
    "Session": "sessions",
    "Sessions": "sessions",
    "SignIn": "signin",
    "StoreThrottle": "throttle",
    "Tickets": "tickets",
}


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(f"stockade.access.{_HOME[name]}"), name)
    raise AttributeError(f"module 'stockade.access' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

"""Who is who: how accounts are found, and what the policies know of them."""

from collections.abc import Callable
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from examples.clinic.application import app, stockade
from examples.clinic.database import engine
from examples.clinic.models import Account
from stockade.access import Account as SignInAccount
from stockade.access import Entity, SignIn
from stockade.access.fastapi import Guard, permit

CLINIC = Entity("Clinic", "clinic")

GUARDED: dict[int | str, dict[str, Any]] = {
    401: {"description": "Nobody is signed in."},
    403: {"description": "The policies do not permit this, or a value is not acceptable here."},
}
"""What a route that asks for a permission can answer besides, for the OpenAPI document."""


class Credentials(NamedTuple):
    id: str
    password_hash: str


class Accounts:
    """The accounts, as sign-in asks for them: one query on an indexed column."""

    def lookup(self, name: str) -> Credentials | None:
        wanted = select(Account.id, Account.password_hash).where(Account.name == name)
        with Session(engine) as database:
            row = database.execute(wanted).one_or_none()
        return Credentials(row.id, row.password_hash) if row else None


def save_hash(account: SignInAccount, password_hash: str) -> None:
    """Keep a password's new hash, where the cost of a hash was raised since the last sign-in."""
    with Session(engine) as database:
        stored = database.get_one(Account, account.id)
        stored.password_hash = password_hash
        database.commit()


def principal(account_id: str) -> Entity:
    """The account with its role, read anew each time: a role that is taken away is gone at once."""
    with Session(engine) as database:
        account = database.get(Account, account_id)
    roles = (Entity("Role", account.role),) if account else ()
    return Entity("User", account_id, parents=roles)


def may(action: str) -> Callable[..., str]:
    """What a route depends on: the policies permit `action`, or the answer is 401 or 403."""
    return permit(action, CLINIC)


Guard(
    stockade.sessions,
    stockade.policies,
    SignIn(
        Accounts(),
        stockade.hasher,
        stockade.sessions,
        stockade.throttle,
        stockade.keyring.mac("sign-in"),
        save_hash=save_hash,
    ),
    principal=principal,
    loopback_http=True,  # on 127.0.0.1 without TLS; anywhere else the cookie needs https
).install(app)

"""The first start: one account for each role, passwords made at random and told once."""

import secrets
import sys
import uuid

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from examples.clinic.application import stockade
from examples.clinic.database import engine
from examples.clinic.models import Account

FIRST = {"ann": "clinician", "ray": "reception", "ada": "admin"}


def make(name: str, role: str) -> tuple[Account, str]:
    """A new account, and its password, which is kept nowhere."""
    password = secrets.token_urlsafe(12)
    hashed = stockade.hasher.hash(password)
    return Account(id=str(uuid.uuid4()), name=name, role=role, password_hash=hashed), password


def create() -> None:
    """Create the first accounts where there are none, and print their passwords."""
    with Session(engine) as database:
        if database.scalar(select(Account.id).limit(1)) is not None:
            return
        made = [make(name, role) for name, role in FIRST.items()]
        database.add_all(account for account, _ in made)
        try:
            database.commit()
        except IntegrityError:
            return  # another worker of the same start was quicker, and has told its passwords
        for account, password in made:
            stockade.event("user_created", account=account.id, by="first start", first=True)
            sys.stdout.write(f"first account: {account.name} {account.role} {password}\n")
        sys.stdout.flush()

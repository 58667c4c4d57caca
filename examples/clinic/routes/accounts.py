"""Accounts, which only an admin creates."""

from fastapi import APIRouter, Depends, HTTPException, Response
from sqlalchemy.exc import IntegrityError

from examples.clinic import first_accounts
from examples.clinic.access import GUARDED, may
from examples.clinic.application import stockade
from examples.clinic.database import Database
from examples.clinic.schemas import CreatedAccount, NewAccount

router = APIRouter(prefix="/accounts", responses=GUARDED)


@router.post(
    "",
    status_code=201,
    dependencies=[Depends(may("accounts:write"))],
    responses={409: {"description": "There is an account of this name."}},
)
def create(new: NewAccount, database: Database, response: Response) -> CreatedAccount:
    """Create an account, with a password that is told once."""
    account, password = first_accounts.make(new.name, new.role)
    database.add(account)
    try:
        database.commit()
    except IntegrityError:
        raise HTTPException(409, "There is an account of this name.") from None
    stockade.event("user_created", account=account.id, role=new.role)
    response.headers["cache-control"] = "no-store"
    return CreatedAccount(name=new.name, role=new.role, password=password)

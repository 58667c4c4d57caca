"""The application and its defences, before any route stands."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from examples.clinic import settings
from stockade import Stockade


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Make the tables and the first accounts; at the end, write what waits."""
    from examples.clinic import database, first_accounts

    database.create_tables()
    first_accounts.create()
    yield
    stockade.close()


app = FastAPI(title="Clinic", lifespan=lifespan)
stockade = Stockade.protect(app, settings.CONFIG, settings=settings.load())

"""One database session a request, committed before the answer leaves."""

import sqlite3
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import Depends
from sqlalchemy import create_engine, event
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.orm import Session

from examples.clinic import models
from examples.clinic.application import stockade
from examples.clinic.settings import data_folder

if "database" in stockade.settings.secrets:
    engine = create_engine(stockade.secret("database").reveal(), pool_pre_ping=True)
else:
    engine = create_engine(f"sqlite:///{data_folder() / 'clinic.db'}")


@event.listens_for(engine, "connect")
def _prepare(connection: Any, record: object) -> None:
    if isinstance(getattr(connection, "driver_connection", connection), sqlite3.Connection):
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")  # what was acknowledged survives a power cut
        cursor.execute("PRAGMA busy_timeout = 5000")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()


def create_tables() -> None:
    for _ in models.Base.metadata.tables:
        try:
            models.Base.metadata.create_all(engine)
            return
        except (OperationalError, ProgrammingError):
            continue  # another worker of the same start made a table after we had looked for it
    models.Base.metadata.create_all(engine)


def session() -> Iterator[Session]:
    with Session(engine, expire_on_commit=False) as database:
        yield database


# `function`: the session ends before the answer leaves, so that an error in it is still an error.
Database = Annotated[Session, Depends(session, scope="function")]

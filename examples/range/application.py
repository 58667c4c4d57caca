"""The application: every family's endpoints, joined."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError

from examples.range import (
    changed,
    data,
    loopback,
    options,
    out_of_reach,
    path,
    shell,
    sql,
    sql_alchemy,
    sql_writes,
    transformed,
    upload,
)

__all__ = ["app"]

loopback.refuse_to_start_elsewhere()


@contextlib.asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    data.create()
    watching = asyncio.create_task(loopback.stop_when_listening_elsewhere())
    yield
    watching.cancel()
    await sql_alchemy.close()


app = FastAPI(title="Stockade's range", version="1", lifespan=lifespan)
app.add_middleware(loopback.LoopbackOnly)
_FAMILIES = (
    *(sql, sql_writes, sql_alchemy, shell, options, path, upload),
    *(transformed, changed, out_of_reach),
)
for family in _FAMILIES:
    app.include_router(family.router)


@app.exception_handler(sqlite3.Error)
@app.exception_handler(SQLAlchemyError)
async def database_error(_: Request, __: Exception) -> JSONResponse:
    """A query that the database did not understand."""
    return JSONResponse({"detail": "the database did not understand"}, 400)


@app.exception_handler(OSError)
@app.exception_handler(ValueError)
async def not_there(_: Request, __: Exception) -> JSONResponse:
    """A file that is not there, or a name that no file can have."""
    return JSONResponse({"detail": "no such thing"}, 404)

"""An application that knows nothing of Stockade, and pastes what it is given into its queries."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    with sqlite3.connect("shop.db") as database:
        database.execute("CREATE TABLE IF NOT EXISTS item (name TEXT, secret TEXT)")
        database.execute("INSERT INTO item VALUES ('lamp', 'the-hidden-price')")
    database.close()
    yield


app = FastAPI(lifespan=lifespan)


@app.get("/find")
def find(name: str) -> list[Any]:
    database = sqlite3.connect("shop.db")
    try:
        return database.execute(f"SELECT name FROM item WHERE name = '{name}'").fetchall()
    finally:
        database.close()


class Outer:
    """A middleware of the application's own around it."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


wrapped = Outer(app)


async def bare(scope: Any, receive: Any, send: Any) -> None:
    """The same without a framework."""
    if scope["type"] != "http":
        return
    from urllib.parse import parse_qs

    [name] = parse_qs(scope["query_string"].decode())["name"]
    body = repr(find(name)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})

"""Takes JSON, forms and uploads, keeps what it took in SQLite, and knows nothing of Stockade."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Annotated, Any

from fastapi import Body, FastAPI, File, Form, UploadFile

app = FastAPI()


@contextmanager
def shelf() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect("intake.db")) as database, database:
        database.execute("CREATE TABLE IF NOT EXISTS taken (kind TEXT, text TEXT)")
        yield database


def take(kind: str, text: str) -> dict[str, str]:
    with shelf() as database:
        database.execute("INSERT INTO taken VALUES (?, ?)", (kind, text))
    return {"took": kind}


@app.post("/json")
def take_json(document: Annotated[Any, Body()]) -> dict[str, str]:
    return take("json", repr(document))


@app.post("/form")
def take_form(name: Annotated[str, Form()]) -> dict[str, str]:
    return take("form", name)


@app.post("/upload")
def take_upload(
    name: Annotated[str, Form()], file: Annotated[UploadFile, File()]
) -> dict[str, str]:
    return take("upload", f"{name} {len(file.file.read())}")


@app.post("/older")
def count_older(document: Annotated[Any, Body()], than: int) -> int:
    """A statement that is another one for each number, and so is judged each time."""
    with shelf() as database:
        query = f"SELECT count(*) FROM taken WHERE rowid < {than}"
        count: int = database.execute(query).fetchone()[0]
        return count


@app.get("/find")
def find(text: str = "") -> list[Any]:
    with shelf() as database:
        return database.execute("SELECT kind FROM taken WHERE text = ?", (text,)).fetchall()


@app.get("/taken")
def taken() -> int:
    with shelf() as database:
        count: int = database.execute("SELECT count(*) FROM taken").fetchone()[0]
        return count

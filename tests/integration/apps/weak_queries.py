"""What the weak shops of every framework share: one SQLite file, queries put together by hand."""

import sqlite3
from contextlib import closing
from pathlib import Path

HIDDEN = "the-hidden-price"


def prepare() -> None:
    with closing(sqlite3.connect("shop.db")) as database, database:
        database.execute("CREATE TABLE IF NOT EXISTS item (name TEXT, secret TEXT)")
        if not database.execute("SELECT 1 FROM item").fetchall():
            database.execute("INSERT INTO item VALUES ('lamp', ?)", (HIDDEN,))
    Path("files").mkdir(exist_ok=True)
    Path("files/a.txt").write_text("an honest file")
    Path("outside.txt").write_text(HIDDEN)


def find(name: str) -> str:
    with closing(sqlite3.connect("shop.db")) as database:
        query = f"SELECT name FROM item WHERE name = '{name}'"
        return repr(database.execute(query).fetchall())


def read(name: str) -> str:
    return Path(f"files/{name}").read_text()

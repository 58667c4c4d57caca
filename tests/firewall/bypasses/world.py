"""What an attack is after: rows, a file and a place to leave a mark, made anew for each request."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["SECRET", "World"]

SECRET = "correct horse battery staple"
_ROWS = [
    (1, "ada", SECRET, "admin", ""),
    (2, "bob", "hunter two", "member", "o'hara -- and sons"),
    (3, "eve", "letmein", "member", "50% off; a_b"),
]
_TABLES = """
CREATE TABLE users (id INTEGER, name TEXT, password TEXT, role TEXT, note TEXT);
CREATE TABLE pages (id INTEGER, title TEXT, body TEXT, public INTEGER);
CREATE TABLE visits (what TEXT);
INSERT INTO pages VALUES (1, 'welcome', 'hello', 1), (2, 'plans', 'for later', 0);
"""


@cache
def _content() -> bytes:
    with closing(sqlite3.connect(":memory:")) as made:
        made.executescript(_TABLES)
        made.executemany("INSERT INTO users VALUES (?, ?, ?, ?, ?)", _ROWS)
        made.commit()
        return made.serialize()


class World:
    """One folder: a database, public files, a secret beside them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "app.db"
        self.files = folder / "files"
        self.secret = folder / "secret.txt"
        self.mark = folder / "pwned"
        (self.files / "sub").mkdir(parents=True)
        (self.files / "a.txt").write_text("hello")
        (self.files / "it's 50%.txt").write_text("awkward")
        (self.files / "sub" / "b.txt").write_text("below")
        self.secret.write_text(SECRET)
        self.database.write_bytes(_content())

    def rows(self, query: str, *bound: Any) -> str:
        """What a query gives, as the handlers answer it."""
        connection = sqlite3.connect(self.database)
        try:
            with connection:
                return str(connection.execute(query, bound).fetchall())
        finally:
            connection.close()

    def is_harmed(self, answer: str) -> bool:
        """Whether the secret is in an answer, the mark stands, or a row or the file has changed."""
        return (
            SECRET in answer
            or self.mark.exists()
            or not self.secret.exists()
            or self.secret.read_text() != SECRET
            or self.rows("SELECT * FROM users") != str(_ROWS)
        )

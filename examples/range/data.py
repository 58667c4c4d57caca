"""What there is to steal: a database, public files, and a secret file beside them.

Made anew at every start in `./range-data` (or the folder of that kind that STOCKADE_RANGE_DATA
names, which must lie under the current one).
"""

import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

__all__ = [
    "Row",
    "connection",
    "create",
    "create_once",
    "database_file",
    "fill_in",
    "folder",
    "notice_file",
    "public_folder",
    "rows",
]

Row = dict[str, Any]

_SCHEMA = """
CREATE TABLE users (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, password TEXT NOT NULL, role TEXT NOT NULL
);
CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT NOT NULL, price INTEGER NOT NULL);
CREATE TABLE notes (id INTEGER PRIMARY KEY, owner TEXT NOT NULL, body TEXT NOT NULL);
"""
_USERS = [
    ("ann", "correct horse", "nurse"),
    ("O'Brien", "battery staple", "doctor"),
    ("zoë", "tr0ub4dor", "admin"),
]
_PRODUCTS = [("Notebook", 3), ("Pencil", 1), ("50% off voucher", 10), ("Tea", 4)]
_NOTES = [("ann", "call back"), ("O'Brien", "select * from the menu"), ("zoë", "tea at four")]
_FILES = {
    "welcome.txt": "Welcome to the range.\n",
    "menu.txt": "soup\nsalad\ntea\n",
    "prices.csv": "name,price\nNotebook,3\n",
}


def folder() -> Path:
    """The range's own folder. Errors: SystemExit for one outside the current folder."""
    here = Path.cwd().resolve()
    chosen = (here / os.environ.get("STOCKADE_RANGE_DATA", "range-data")).resolve()
    if here not in chosen.parents:
        raise SystemExit(
            "STOCKADE_RANGE_DATA leaves the current folder; name a folder inside it, "
            "because the range deletes and rewrites that folder"
        )
    return chosen


_FOLDER = folder()


def database_file() -> Path:
    """The SQLite file: users, products, notes."""
    return _FOLDER / "range.db"


def public_folder() -> Path:
    """The files that everybody may read; the secret lies one folder above."""
    return _FOLDER / "public"


def notice_file() -> Path:
    """Where the endpoints that answer nothing (“blind” ones) write."""
    return _FOLDER / "notices.log"


def create() -> None:
    """Make everything as it was on the first day."""
    fill_in(_FOLDER)


_lock = threading.Lock()
_created = False


def create_once() -> None:
    """The same at the first call only, for servers that know no start."""
    global _created
    with _lock:
        if not _created:
            create()
            _created = True


def fill_in(root: Path) -> None:
    """Put database and files into `root`, which is emptied first if it is a range's folder."""
    marker = root / "this-is-the-range"
    if root.exists() and not marker.exists():
        raise SystemExit(
            f"{root.name} exists and is not the range's: move it, or name another folder"
        )
    shutil.rmtree(root, ignore_errors=True)
    (root / "public").mkdir(parents=True)
    marker.touch()
    (root / "secret.txt").write_text("the master password is swordfish\n")
    (root / "notices.log").touch()
    for name, text in _FILES.items():
        (root / "public" / name).write_text(text)
    with closing(sqlite3.connect(root / "range.db")) as database, database:
        database.executescript(_SCHEMA)
        database.executemany("INSERT INTO users (name, password, role) VALUES (?, ?, ?)", _USERS)
        database.executemany("INSERT INTO products (name, price) VALUES (?, ?)", _PRODUCTS)
        database.executemany("INSERT INTO notes (owner, body) VALUES (?, ?)", _NOTES)


@contextmanager
def connection() -> Iterator[sqlite3.Connection]:
    """A connection that commits on success and is closed at the end."""
    with closing(sqlite3.connect(database_file())) as database:
        database.row_factory = sqlite3.Row
        with database:
            yield database


def rows(query: str, values: tuple[Any, ...] | dict[str, Any] = ()) -> list[Row]:
    """The rows that `query` gives."""
    with connection() as database:
        return [dict(row) for row in database.execute(query, values)]

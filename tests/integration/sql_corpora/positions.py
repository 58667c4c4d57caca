"""Where in a statement a value may stand, and which values are harmless there.

Something that matters follows each place, so that a value which cuts the rest off changes the
statement. The harmless values are of each kind that the place expects: what a statement looks like
with one of these is what the developer meant.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["POSITIONS", "QUOTED", "SCHEMA", "SECRET", "Position"]

SECRET = "hunter2-the-secret"

SCHEMA = (
    "CREATE TABLE users (id INTEGER, name VARCHAR(80), email VARCHAR(80), n INTEGER)",
    "CREATE TABLE secrets (id INTEGER, word VARCHAR(80))",
    "CREATE TABLE notes (title VARCHAR(8000), n INTEGER)",
    "INSERT INTO users VALUES (1, 'ann', 'a@example.org', 4), (2, 'bob', 'b@example.org', 5)",
    "INSERT INTO users VALUES (3, 'eve', 'e@example.org', 6)",
    f"INSERT INTO secrets VALUES (1, '{SECRET}'), (2, 'another')",
)
"""Several rows, no keys and no indexes: then no optimiser reads rows to answer an EXPLAIN."""


class Position(NamedTuple):
    """A statement with a gap; what is harmless in it."""

    name: str
    before: str
    after: str
    harmless: tuple[str, ...]

    def fill(self, value: str) -> str:
        return f"{self.before}{value}{self.after}"


_NUMBERS = ("1", "-1", "1.5", "-0.5", "3000000000", "99999999999999999999")
_COLUMNS = ("id", "name", "n", "email", "1", "2")

QUOTED = (
    Position(
        "string",
        "SELECT id, name FROM users WHERE name = '",
        "' AND n > 3",
        ("abc", "", "1"),
    ),
    Position(
        "like",
        "SELECT id, name FROM users WHERE name LIKE '%",
        "%' AND n > 3",
        ("abc", "", "1"),
    ),
    Position(
        "insert",
        "INSERT INTO notes (title, n) VALUES ('",
        "', 1)",
        ("abc", "", "1"),
    ),
)

POSITIONS = (
    *QUOTED,
    Position("number", "SELECT id, name FROM users WHERE id = ", " AND n > 3", _NUMBERS),
    Position(
        "in",
        "SELECT id, name FROM users WHERE id IN (",
        ") AND n > 3",
        (*_NUMBERS, "1,2", "1, 2, 3"),
    ),
    Position(
        "order-by",
        "SELECT id, name FROM users WHERE n > 3 ORDER BY ",
        " LIMIT 5",
        tuple(f"{column}{way}" for column in _COLUMNS for way in ("", " ASC", " DESC")),
    ),
)

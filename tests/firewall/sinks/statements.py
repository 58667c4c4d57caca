"""What every driver's tests share: exploits and honest values in the two servers' dialects."""

from __future__ import annotations

import os
from typing import Any, NoReturn

import pytest

SECRET = "correct horse battery staple"

POSTGRESQL: dict[str, Any] = {"host": "127.0.0.1", "port": 5432, "user": "postgres"}
MYSQL: dict[str, Any] = {"host": "127.0.0.1", "port": 3306, "user": "root"}

SETUP = (
    "DROP TABLE IF EXISTS {table}",
    "CREATE TABLE {table} (id INT, name VARCHAR(200), password VARCHAR(200))",
    f"INSERT INTO {{table}} VALUES (1, 'ada', '{SECRET}')",
)

TEMPLATE = "SELECT password FROM {table} WHERE name = '{value}'"
EXPLOITS = [
    "x' OR '1'='1",
    "x' OR 1=1 -- ",
    "x'/**/OR/**/1=1 -- ",
    "x' UNION SELECT password FROM {table} -- ",
]

AWKWARD = [
    "it's Bob's",
    'say "hi"',
    "back\\slash",
    "ends with \\",
    "\\' OR 1=1 -- ",
    "'; DROP TABLE t; --",
    "100%",
    "%s %(name)s",
    "a /* b */ c",
    "$$ $1 $tag$",
    "`name`",
    "{curly} #hash",
    "縗' OR 1=1",
    "¥' yen",
    "\ud55c\uae00 ''",
    "name = 'ada'",
    "SELECT password",
    "FROM",
    "",
]


def absent(server: str, reason: object) -> NoReturn:
    """Skip visibly, or fail where nothing may skip."""
    message = f"no {server} here: {reason}"
    if os.environ.get("STOCKADE_FULL") == "1":
        pytest.fail(message)
    pytest.skip(message)

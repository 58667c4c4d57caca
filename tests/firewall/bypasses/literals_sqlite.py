"""Literals, names and blanks of SQLite that other dialects do not have."""

from __future__ import annotations

from tests.firewall.bypasses.model import Bypass
from tests.firewall.bypasses.sinks import by_id
from tests.firewall.bypasses.sources import COOKIE, FORM, HEADER, JSON, PATH, QUERY


def doubled(text: str) -> str:
    """As escaped for a dialect in which a backslash is a character like any other."""
    return text.replace("'", "''")


def slashed(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


PG, MY = "postgresql", "mariadb"
ONE = "SELECT name, password FROM accounts WHERE id = 2 AND"

BYPASSES = [
    Bypass(
        "brackets as a name",
        "sqlite3",
        QUERY,
        lambda w, v: w.rows(f"SELECT [{v}] FROM users WHERE role = 'member'"),
        ("name], password FROM users --",),
        ("name",),
    ),
    Bypass(
        "brackets to hide a quote",
        "sqlite3",
        JSON,
        lambda w, v: w.rows(f"SELECT '{v}', name FROM users WHERE role = 'member'"),
        ("x' AS [a'], password FROM users --",),
        ("[x]",),
    ),
    Bypass("blob literal", "sqlite3", FORM, by_id, ("0 or x'31'",), ("2",)),
    Bypass("double-quoted string", "sqlite3", FORM, by_id, ('0 or "a"="a"',), ("2",)),
    Bypass("backticks", "sqlite3", PATH, by_id, ("0 or `id`=1",), ("2",)),
    Bypass("form feed for a blank", "sqlite3", FORM, by_id, ("0\x0cor\x0c1",), ("2",)),
    Bypass("parentheses for blanks", "sqlite3", HEADER, by_id, ("(0)or(1)",), ("2",)),
    Bypass("sign for a blank", "sqlite3", COOKIE, by_id, ("0 or+1",), ("2",)),
]

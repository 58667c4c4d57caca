"""Stacked statements, and statements that reach beyond the rows of a query."""

from __future__ import annotations

from tests.firewall.bypasses.model import Bypass
from tests.firewall.bypasses.sinks import aio, alchemy, script
from tests.firewall.bypasses.sources import (
    COOKIE,
    FORM,
    HEADER,
    JSON,
    MULTIPART,
    PATH,
    QUERY,
)

MEMBERS = "SELECT name, password FROM users WHERE role = 'member' AND"

BYPASSES = [
    Bypass(
        "second statement",
        "sqlite3 script",
        QUERY,
        lambda w, v: script(w, f"INSERT INTO visits VALUES ('{v}')"),
        ("x'); DELETE FROM users --",),
        ("it''s; fine",),
    ),
    Bypass(
        "second statement of two values",
        "sqlite3 script",
        FORM,
        lambda w, a, b: script(w, f"INSERT INTO visits VALUES (1){a} {b}"),
        (";", "DELETE FROM users"),
        ("", ""),
    ),
    Bypass(
        "update in a script",
        "sqlite3 script",
        JSON,
        lambda w, v: script(w, f"INSERT INTO visits VALUES ('{v}')"),
        ("x'); UPDATE users SET role = 'admin' WHERE ('1' = '1",),
        ("a (b) c",),
    ),
    Bypass(
        "file written by VACUUM",
        "sqlite3 script",
        COOKIE,
        lambda w, v: script(w, f"VACUUM INTO '{w.files}/{v}.db'"),
        ("../pwned' --",),
        ("copy",),
    ),
    Bypass(
        "climb in VACUUM",
        "sqlite3 script",
        HEADER,
        lambda w, v: script(w, f"VACUUM INTO '{w.files}/{v}'"),
        ("../pwned",),
        ("copy",),
    ),
    Bypass(
        "climb in ATTACH",
        "sqlite3 script",
        PATH,
        lambda w, v: script(w, f"ATTACH '{w.files}/{v}' AS other; CREATE TABLE other.t (a)"),
        ("../pwned",),
        ("other.db",),
    ),
    Bypass(
        "union",
        "SQLAlchemy",
        QUERY,
        lambda w, v: alchemy(w, f"{MEMBERS} name = '{v}'"),
        ("' UNION SELECT name, password FROM users --",),
        ("the union jack",),
    ),
    Bypass(
        "union",
        "aiosqlite",
        FORM,
        lambda w, v: aio(w, f"{MEMBERS} name = '{v}'"),
        ("' UNION SELECT name, password FROM users --",),
        ("the union jack",),
    ),
    Bypass(
        "values instead of a table",
        "SQLAlchemy",
        JSON,
        lambda w, v: alchemy(w, f"{MEMBERS} id = {v}"),
        ("0 UNION VALUES ((SELECT password FROM users), 1)",),
        ("2",),
    ),
    Bypass(
        "common table",
        "aiosqlite",
        COOKIE,
        lambda w, v: aio(w, f"{MEMBERS} id IN ({v})"),
        ("WITH x AS (SELECT 1) SELECT * FROM x) OR (1",),
        ("2",),
    ),
    Bypass(
        "column by name",
        "SQLAlchemy",
        QUERY.__class__("query for a column", QUERY.send, QUERY.read),
        lambda w, v: alchemy(w, f"SELECT {v} FROM users"),
        ("password",),
        ("name",),
        out_of_reach="dangerous valid token",
    ),
    Bypass(
        "row of an insert",
        "sqlite3",
        MULTIPART,
        lambda w, v: [w.rows(f"INSERT INTO visits VALUES ('{v}')"), w.rows("SELECT * FROM visits")][
            1
        ],
        ("x'), ((SELECT password FROM users)) --",),
        ("it''s, (fine)",),
    ),
    Bypass(
        "assignment of an update",
        "sqlite3",
        JSON,
        lambda w, v: (
            w.rows(f"UPDATE pages SET body = '{v}' WHERE id = 1") + w.rows("SELECT body FROM pages")
        ),
        ("x', title = 'y', body = (SELECT password FROM users) --",),
        ("a, b = 'c'".replace("'", "''"),),
    ),
]

"""Comments: what cuts off the rest of a query, stands for a blank, or hides a keyword."""

from __future__ import annotations

from tests.firewall.bypasses.model import Bypass
from tests.firewall.bypasses.sinks import by_id, by_name, login, search
from tests.firewall.bypasses.sources import (
    BASIC,
    COOKIE,
    FORM,
    HEADER,
    JSON,
    JSON_KEY,
    MULTIPART,
    PATH,
    QUERY,
    WEBSOCKET,
)  # fmt: skip

BYPASSES = [
    Bypass("line comment", "sqlite3", QUERY, login, ("ada' --", "x"), ("o'' -- x", "y")),
    Bypass("line comment without blank", "sqlite3", FORM, login, ("ada'--", "x"), ("a--b", "y")),
    Bypass("comment that never ends", "sqlite3", BASIC, login, ("ada'/*", "x"), ("a /* b", "y")),
    Bypass(
        "comments for blanks", "sqlite3", JSON, by_name, ("'/**/OR/**/role='admin",), ("a/**/b",)
    ),
    Bypass("comment between tokens", "sqlite3", PATH, by_id, ("0/**/or/**/1",), ("2",)),
    Bypass("comment with a line end", "sqlite3", COOKIE, by_id, ("0--x\nor 1",), ("2",)),
    Bypass(
        "comment across two values", "sqlite3", MULTIPART, login, ("ada' /*", "*/ --"), ("/*", "*/")
    ),
    Bypass(
        "comment in a search",
        "sqlite3",
        JSON_KEY,
        search,
        ("' UNION SELECT name, password FROM users--",),
        ("50% -- off",),
    ),
    Bypass("comment closes itself", "sqlite3", WEBSOCKET, by_id, ("0 /*x*/ or /*y*/ 1",), ("2",)),
    Bypass("comment of dashes only", "sqlite3", HEADER, by_name, ("' or 1 -----",), ("-----",)),
]

"""Truncation: a service that cuts a value off cuts off what would have closed it."""

from __future__ import annotations

from tests.firewall.bypasses.model import Bypass
from tests.firewall.bypasses.sinks import by_name, login, read_below, shell
from tests.firewall.bypasses.sources import COOKIE, FORM, HEADER, JSON, MULTIPART, PATH, QUERY

UNKNOWN = "unknown transformation"
LONG = "x" * 5_000

BYPASSES = [
    Bypass(
        "cut at 20",
        "sqlite3",
        QUERY,
        lambda w, v: by_name(w, v[:20]),
        ("' OR role='admin' -- and so on",),
        ("bob",),
    ),
    Bypass(
        "cut after escaping",
        "sqlite3",
        FORM,
        lambda w, a, b: login(w, a.replace("'", "''")[:8], b.replace("'", "''")),
        ("eeeeeee'", " or id=1 --"),
        ("o'hara", "x"),
    ),
    Bypass(
        "cut at 5",
        "sqlite3",
        JSON,
        lambda w, v: by_name(w, v[:5]),
        ("'or'1-zzzz",),
        ("bob",),
        out_of_reach=UNKNOWN,
    ),
    Bypass(
        "beginning cut off",
        "sqlite3",
        HEADER,
        lambda w, v: by_name(w, v[4:]),
        ("abcd' OR role='admin",),
        ("abcdbob",),
    ),
    Bypass(
        "cut at 64",
        "sh",
        FORM,
        lambda w, v: shell(w, f"echo {v[:64]}"),
        (";touch pwned;" + "#" * 60,),
        ("hello",),
    ),
    Bypass(
        "cut within a word",
        "sh",
        FORM,
        lambda w, v: shell(w, f"echo {v[:7]}"),
        (";>pwnedzzz",),
        ("hello",),
        out_of_reach=UNKNOWN,
    ),
    Bypass(
        "extension cut off",
        "open",
        PATH,
        lambda w, v: read_below(w, v.rsplit(".", 1)[0]),
        ("../secret.txt.png",),
        ("a.txt.png",),
    ),
    Bypass(
        "extension cut off",
        "sh",
        FORM,
        lambda w, v: shell(w, f"echo {v.rpartition('.')[0]}"),
        (";touch pwned;.png",),
        ("photo.png",),
    ),
    Bypass(
        "long value with line ends",
        "sqlite3",
        MULTIPART,
        lambda w, v: by_name(w, v.replace("\n", " ").strip("x")),
        (LONG + "'\nOR\nrole='admin",),
        ("bob",),
    ),
    Bypass(
        "decoys before what is left",
        "sqlite3",
        FORM,
        lambda w, v: by_name(w, v[-16:]),
        ("".join(f"a{n}=b;" for n in range(40)) + "' OR role='admin",),
        ("x" * 16 + "bob",),
    ),
    Bypass(
        "first line",
        "sqlite3",
        MULTIPART,
        lambda w, v: by_name(w, v.splitlines()[0]),
        ("' OR role='admin\nhello",),
        ("bob\nhello",),
    ),
    Bypass(
        "ellipsis",
        "sqlite3",
        COOKIE,
        lambda w, v: by_name(w, v[:14] + "..."),
        ("' OR 'a...'='a; and more",),
        ("bob",),
    ),
]

"""NUL bytes and other characters at which one reader stops and another goes on."""

from __future__ import annotations

import ctypes

from tests.firewall.bypasses.model import Bypass
from tests.firewall.bypasses.sinks import by_name, read_below, shell
from tests.firewall.bypasses.sources import FORM, JSON, MULTIPART, PATH, QUERY, WEBSOCKET

BYPASSES = [
    Bypass(
        "NUL dropped",
        "sqlite3",
        FORM,
        lambda w, v: by_name(w, v.replace("\0", "")),
        ("'\0 \0O\0R\0 r\0o\0l\0e\0=\0'\0a\0d\0m\0i\0n",),
        ("bo\0b",),
    ),
    Bypass(
        "NUL dropped",
        "open",
        QUERY,
        lambda w, v: read_below(w, v.replace("\0", "")),
        (".\0./secret.txt",),
        ("a\0.txt",),
    ),
    Bypass(
        "NUL dropped",
        "sh",
        JSON,
        lambda w, v: shell(w, "echo " + v.replace("\0", "")),
        ("\0;to\0uch pwned",),
        ("a\0b",),
    ),
    Bypass(
        "NUL ends the value",
        "sqlite3",
        JSON,
        lambda w, v: by_name(w, v.partition("\0")[0]),
        ("' OR role='admin\0.png",),
        ("bob\0.png",),
    ),
    Bypass(
        "NUL ends the name of a file",
        "open",
        MULTIPART,
        lambda w, v: read_below(w, v.partition("\0")[0]),
        ("../secret.txt\0.png",),
        ("a.txt\0.png",),
    ),
    Bypass(
        "NUL ends a C string",
        "sh",
        WEBSOCKET,
        lambda w, v: shell(w, "echo " + ctypes.string_at(v.encode()).decode()),
        ("$(touch pwned)\0safe",),
        ("hello\0safe",),
    ),
    Bypass(
        "NUL ends a path segment",
        "open",
        PATH,
        lambda w, v: read_below(w, v.split("\0")[0]),
        ("../secret.txt\0a.txt",),
        ("sub/b.txt\0",),
    ),
    Bypass(
        "last part behind a NUL",
        "sh",
        MULTIPART,
        lambda w, v: shell(w, "echo " + v.split("\0")[-1]),
        ("x\0;touch pwned",),
        ("x\0y",),
    ),
]

"""Encodings: values that the service decodes before it uses them."""

from __future__ import annotations

import base64
import codecs
import html
import json
import quopri
import zlib
from email.header import decode_header, make_header
from typing import Any
from urllib.parse import parse_qs, quote, unquote, unquote_plus, urlsplit

from tests.firewall.bypasses.model import Bypass
from tests.firewall.bypasses.sinks import by_name, read_below, search, shell
from tests.firewall.bypasses.sources import (
    COOKIE,
    FORM,
    HEADER,
    JSON,
    MULTIPART,
    PATH,
    QUERY,
    header,
)  # fmt: skip

DUMP = "' OR role='admin"
QUOTED = "it's 50%"
UNKNOWN = "unknown transformation"


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def token(**claims: Any) -> str:
    """An unsigned JSON Web Token."""
    parts = [json.dumps(part).encode() for part in ({"alg": "none"}, claims)]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + "."


def claim(value: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(value.split(".")[1] + "=="))["sub"]


def compressed(text: str) -> str:
    """A session cookie as itsdangerous writes a long one: a dot, compressed JSON, a signature."""
    data = base64.urlsafe_b64encode(zlib.compress(json.dumps({"name": text}).encode()))
    return f".{data.decode().rstrip('=')}.ZxY1Aw.k3Qd0m8yV2hTn5sR7uJ4pL6bW9c"


def session(value: str) -> Any:
    data = value.split(".")[1]
    return json.loads(zlib.decompress(base64.urlsafe_b64decode(data + "==")))["name"]


BYPASSES = [
    Bypass(
        "percent twice",
        "sqlite3",
        QUERY,
        lambda w, v: by_name(w, unquote(v)),
        (quote(DUMP),),
        ("o%27%27hara",),
    ),
    Bypass(
        "percent three times",
        "sqlite3",
        PATH,
        lambda w, v: by_name(w, unquote(unquote(v))),
        (quote(quote(DUMP)),),
        (quote(quote("50%")),),
    ),
    Bypass(
        "plus for a blank",
        "sh",
        QUERY,
        lambda w, v: shell(w, f'echo "{unquote_plus(v)}"'),
        ("$(touch+pwned)",),
        ("it's+50%",),
    ),
    Bypass(
        "overlong UTF-8",
        "sqlite3",
        QUERY,
        lambda w, v: by_name(w, v.replace("%c0%a7", "'")),
        ("%c0%a7 OR role=%c0%a7admin",),
        ("50%c0",),
    ),
    Bypass(
        "percent and u",
        "sqlite3",
        FORM,
        lambda w, v: by_name(w, codecs.decode(v.replace("%u", "\\u"), "unicode_escape")),
        ("%u0027 OR role=%u0027admin",),
        ("100%",),
    ),
    Bypass(
        "hexadecimal",
        "sqlite3",
        HEADER,
        lambda w, v: by_name(w, bytes.fromhex(v).decode()),
        (DUMP.encode().hex(),),
        (b"bob".hex(),),
    ),
    Bypass(
        "hexadecimal escapes",
        "sh",
        JSON,
        lambda w, v: shell(w, "echo " + codecs.decode(v, "unicode_escape")),
        ("\\x3btouch\\x20pwned",),
        ("a\\x2db",),
    ),
    Bypass(
        "octal escapes of a cookie",
        "sqlite3",
        header(
            "cookie header",
            "cookie",
            lambda v: [__import__("http.cookies").cookies.SimpleCookie(v)["q"].value],
        ),
        by_name,
        ('q="\\047 OR role=\\047admin"',),
        ('q="o\\047\\047hara"',),
    ),
    Bypass(
        "entities",
        "sqlite3",
        MULTIPART,
        lambda w, v: by_name(w, html.unescape(v)),
        ("&#39; OR role=&apos;admin",),
        ("a &amp; b",),
    ),
    Bypass(
        "entities without semicolon",
        "sh",
        FORM,
        lambda w, v: shell(w, f"echo {html.unescape(v)}"),
        ("&#x3btouch pwned",),
        ("R&ampD-1".replace("&amp", "and"),),
    ),
    Bypass(
        "quoted-printable",
        "sqlite3",
        JSON,
        lambda w, v: by_name(w, quopri.decodestring(v.encode()).decode()),
        ("=27 OR role=3D=27admin",),
        ("a=3Db",),
    ),
    Bypass(
        "encoded words",
        "sqlite3",
        HEADER,
        lambda w, v: by_name(w, make_header(decode_header(v))),
        ("=?utf-8?q?=27_OR_role=3D=27admin?=",),
        ("=?utf-8?q?bob?=",),
    ),
    Bypass(
        "extended parameter",
        "open",
        HEADER,
        lambda w, v: read_below(w, unquote(v.split("''", 1)[1])),
        ("UTF-8''%2e%2e%2fsecret.txt",),
        ("UTF-8''sub%2fb.txt",),
    ),
    Bypass(
        "JSON in a string",
        "sqlite3",
        QUERY,
        lambda w, v: by_name(w, json.loads(v)["name"]),
        ('{"name": "\\u0027 OR role=\\u0027admin"}',),
        ('{"name": "b\\u006fb"}',),
    ),
    Bypass(
        "JSON in JSON",
        "sqlite3",
        JSON,
        lambda w, v: search(w, json.loads(json.loads(v))[0]),
        (json.dumps(json.dumps(["' UNION SELECT name, password FROM users --"])),),
        (json.dumps(json.dumps(["50%"])),),
    ),
    Bypass(
        "address in a parameter",
        "sh",
        QUERY,
        lambda w, v: shell(w, f'echo "{parse_qs(urlsplit(v).query)["q"][0]}"'),
        ("/search?q=%24(touch%20pwned)",),
        ("/search?q=50%25%20off",),
    ),
    Bypass(
        "query in a cookie",
        "sh",
        COOKIE,
        lambda w, v: shell(w, f'echo "{parse_qs(v)["name"][0]}"'),
        ("id=7&name=%24(touch%24%7BIFS%7Dpwned)",),
        ("id=7&name=o%27hara",),
    ),
    Bypass(
        "rot13",
        "sqlite3",
        QUERY,
        lambda w, v: by_name(w, codecs.decode(v, "rot13")),
        (codecs.encode(DUMP, "rot13"),),
        ("obo",),
        out_of_reach=UNKNOWN,
    ),
    Bypass(
        "reversal",
        "sqlite3",
        FORM,
        lambda w, v: by_name(w, v[::-1]),
        (DUMP[::-1],),
        ("bob",),
        out_of_reach=UNKNOWN,
    ),
    Bypass(
        "character codes",
        "sqlite3",
        JSON,
        lambda w, v: by_name(w, "".join(map(chr, v))),
        ([*map(ord, DUMP)],),
        ([98, 111, 98],),
        out_of_reach=UNKNOWN,
    ),
]

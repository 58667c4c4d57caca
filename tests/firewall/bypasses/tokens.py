"""Base64 and its like, and what is built of them: tokens, sessions, signed cookies."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from email.header import decode_header, make_header
from typing import Any

from tests.firewall.bypasses.model import Bypass
from tests.firewall.bypasses.sinks import by_name, read_below, shell
from tests.firewall.bypasses.sources import (
    COOKIE,
    FORM,
    HEADER,
    JSON,
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
        "base64",
        "sqlite3",
        COOKIE,
        lambda w, v: by_name(w, base64.b64decode(v).decode()),
        (b64(DUMP),),
        (b64("o''hara"),),
    ),
    Bypass(
        "base64 URL-safe without padding",
        "sqlite3",
        QUERY,
        lambda w, v: by_name(w, base64.urlsafe_b64decode(v + "==").decode()),
        (base64.urlsafe_b64encode(b"'>'\xc3\xbf' OR 1=1 --??>").decode().rstrip("="),),
        (b64("bob").rstrip("="),),
    ),
    Bypass(
        "base64 with foreign characters",
        "sqlite3",
        JSON,
        lambda w, v: by_name(w, base64.b64decode(v).decode()),
        ("!".join(b64(DUMP)),),
        (b64("bob"),),
    ),
    Bypass(
        "base64 twice",
        "sh",
        COOKIE,
        lambda w, v: shell(w, "echo " + base64.b64decode(base64.b64decode(v)).decode()),
        (b64(b64("$(touch pwned)")),),
        (b64(b64("hello")),),
    ),
    Bypass(
        "base64 three times",
        "sh",
        HEADER,
        lambda w, v: shell(
            w, "echo " + base64.b64decode(base64.b64decode(base64.b64decode(v))).decode()
        ),
        (b64(b64(b64("$(touch pwned)"))),),
        (b64(b64(b64("hello"))),),
        out_of_reach=UNKNOWN,
    ),
    Bypass(
        "base64 of UTF-16",
        "sqlite3",
        QUERY,
        lambda w, v: by_name(w, base64.b64decode(v).decode("utf-16")),
        (base64.b64encode(DUMP.encode("utf-16")).decode(),),
        (base64.b64encode("bob".encode("utf-16")).decode(),),
    ),
    Bypass(
        "base32",
        "open",
        QUERY,
        lambda w, v: read_below(w, base64.b32decode(v).decode()),
        (base64.b32encode(b"../secret.txt").decode(),),
        (base64.b32encode(b"sub/b.txt").decode(),),
    ),
    Bypass(
        "encoded words of base64",
        "sh",
        HEADER,
        lambda w, v: shell(w, f"echo {make_header(decode_header(v))}"),
        (f"=?utf-8?b?{b64(';touch pwned')}?=",),
        ("=?utf-8?b?Ym9i?=",),
    ),
    Bypass(
        "JSON in base64",
        "sh",
        COOKIE,
        lambda w, v: shell(w, "echo " + json.loads(base64.b64decode(v))["theme"]),
        (b64('{"theme": "\\u0060touch pwned\\u0060"}'),),
        (b64('{"theme": "dark"}'),),
    ),
    Bypass(
        "claim of a token",
        "sqlite3",
        header("bearer token", "authorization", lambda v: [v.split()[1]], lambda v: f"Bearer {v}"),
        lambda w, v: by_name(w, claim(v)),
        (token(sub=DUMP),),
        (token(sub="bob"),),
    ),
    Bypass(
        "claim of a token in a cookie",
        "open",
        COOKIE,
        lambda w, v: read_below(w, claim(v)),
        (token(sub="../secret.txt"),),
        (token(sub="a.txt"),),
    ),
    Bypass(
        "compressed session",
        "sqlite3",
        COOKIE,
        lambda w, v: by_name(w, session(v)),
        (compressed(DUMP),),
        (compressed("bob"),),
    ),
    Bypass(
        "base64 of two fields",
        "sh",
        COOKIE,
        lambda w, v: shell(w, f'echo "{base64.b64decode(v).decode().split(":")[1]}"'),
        (b64("7:$(touch${IFS}pwned)"),),
        (b64("7:bob"),),
    ),
    Bypass(
        "list of base64",
        "sh",
        QUERY,
        lambda w, v: shell(
            w, " ".join(["echo", *(base64.b64decode(each).decode() for each in v.split(","))])
        ),
        (b64("aaaa") + "," + b64("$(touch pwned)"),),
        ("YWE=,YmI=",),
    ),
    Bypass(
        "base64 with a signature behind dashes",
        "sh",
        COOKIE,
        lambda w, v: shell(w, "echo " + base64.b64decode(v.split("--")[0]).decode()),
        (b64("$(touch pwned);:") + "--5f3d",),
        (b64("hello") + "--5f3d",),
    ),
    Bypass(
        "zlib in base64",
        "sh",
        JSON,
        lambda w, v: shell(w, "echo " + zlib.decompress(base64.b64decode(v)).decode()),
        (base64.b64encode(zlib.compress(b"$(touch pwned)")).decode(),),
        (base64.b64encode(zlib.compress(b"hello")).decode(),),
        out_of_reach=UNKNOWN,
    ),
    Bypass(
        "base85",
        "sqlite3",
        QUERY,
        lambda w, v: by_name(w, base64.b85decode(v).decode()),
        (base64.b85encode(DUMP.encode()).decode(),),
        (base64.b85encode(b"bob").decode(),),
        out_of_reach=UNKNOWN,
    ),
    Bypass(
        "uuencode",
        "sh",
        FORM,
        lambda w, v: shell(w, "echo " + binascii.a2b_uu(v).decode()),
        (binascii.b2a_uu(b"$(touch pwned)").decode(),),
        (binascii.b2a_uu(b"hello").decode(),),
        out_of_reach=UNKNOWN,
    ),
]

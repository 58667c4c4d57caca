"""Content codings: a body that is compressed, announced or not."""

from __future__ import annotations

import email
import email.policy
import gzip
import json
import zlib
from typing import Any
from urllib.parse import parse_qs, urlencode
from xml.etree import ElementTree

from tests.firewall.bypasses.model import Bypass
from tests.firewall.bypasses.sinks import by_name, read_below, shell
from tests.firewall.bypasses.sources import body

DUMP = "' OR role='admin"
MULTI = "multipart/form-data; boundary=b"


def first(content: bytes) -> list[str]:
    return [parse_qs(content.decode())["q"][0]]


def json_of(content: Any) -> list[str]:
    return [json.loads(content)["q"]]


def form(value: str) -> bytes:
    return urlencode({"q": value}).encode()


def doc(value: str) -> bytes:
    return json.dumps({"q": value}).encode()


def part(value: str | bytes, *head: str) -> bytes:
    fields = "\r\n".join(['Content-Disposition: form-data; name="q"', *head])
    content = value.encode() if isinstance(value, str) else value
    return b"--b\r\n" + fields.encode() + b"\r\n\r\n" + content + b"\r\n--b--\r\n"


def parts_of(content: bytes) -> Any:
    return email.message_from_bytes(
        f"Content-Type: {MULTI}\r\n\r\n".encode() + content, policy=email.policy.HTTP
    )


def part_of(content: bytes) -> list[Any]:
    """As the mail package of the standard library reads it: transfer encodings and charsets too."""
    found = parts_of(content).get_payload()[0]
    return [found.get_content().rstrip("\r\n")]


def xml_of(content: bytes) -> list[str]:
    return ["".join(ElementTree.fromstring(content).itertext())]  # noqa: S314


def utf8(value: str) -> bytes:
    return value.encode()


def labelled(charset: str) -> Any:
    """A form in a charset that its type names."""
    return body(
        f"form in {charset}",
        f"text/plain; charset={charset}",
        lambda v: f"q={v}".encode(charset),
        lambda c: [c.decode(charset).partition("=")[2]],
    )


def _source(name: str, kind: str, write: Any, read: Any, **headers: str) -> Any:
    return body(name, kind, write, read, **headers)


GZIP = {"content-encoding": "gzip"}
TEXT = "text/plain"
APP = "application/json"

BYPASSES = [
    Bypass(
        "gzip",
        "sqlite3",
        _source(
            "gzip body",
            "application/octet-stream",
            lambda v: gzip.compress(doc(v)),
            lambda c: json_of(gzip.decompress(c)),
            **GZIP,
        ),
        by_name,
        (DUMP,),
        ("bob",),
    ),
    Bypass(
        "deflate",
        "sh",
        _source(
            "deflate body",
            TEXT,
            lambda v: zlib.compress(form(v)),
            lambda c: first(zlib.decompress(c)),
            **{"content-encoding": "deflate"},
        ),
        lambda w, v: shell(w, f"echo {v}"),
        (";touch pwned",),
        ("a",),
    ),
    Bypass(
        "gzip that is not announced",
        "open",
        _source(
            "gzip unannounced",
            "application/octet-stream",
            lambda v: gzip.compress(doc(v)),
            lambda c: json_of(gzip.decompress(c)),
        ),
        read_below,
        ("../secret.txt",),
        ("sub/b.txt",),
    ),
    Bypass(
        "gzip twice",
        "sqlite3",
        _source(
            "gzip twice",
            TEXT,
            lambda v: gzip.compress(gzip.compress(doc(v))),
            lambda c: json_of(gzip.decompress(gzip.decompress(c))),
            **{"content-encoding": "gzip, gzip"},
        ),
        by_name,
        (DUMP,),
        ("bob",),
    ),
]

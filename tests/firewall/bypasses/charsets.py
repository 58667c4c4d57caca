"""Charsets: a body in another one than UTF-8."""

from __future__ import annotations

import email
import email.policy
import json
from typing import Any
from urllib.parse import parse_qs, quote, urlencode
from xml.etree import ElementTree

from tests.firewall.bypasses.model import Bypass
from tests.firewall.bypasses.sinks import by_name
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
        "JSON in UTF-16",
        "sqlite3",
        _source("JSON in UTF-16", TEXT, lambda v: json.dumps({"q": v}).encode("utf-16"), json_of),
        by_name,
        (DUMP,),
        ("bob",),
    ),
    Bypass(
        "JSON in UTF-32",
        "sqlite3",
        _source(
            "JSON in UTF-32", TEXT, lambda v: json.dumps({"q": v}).encode("utf-32-be"), json_of
        ),
        by_name,
        (DUMP,),
        ("bob",),
    ),
    Bypass(
        "JSON behind a byte order mark",
        "sqlite3",
        _source(
            "JSON with BOM",
            TEXT,
            lambda v: b"\xef\xbb\xbf" + doc(v),
            lambda c: json_of(c.decode("utf-8-sig")),
        ),
        by_name,
        ("\u00e9" + DUMP,),
        ("\u00e9",),
    ),
    Bypass(
        "form in UTF-16",
        "sqlite3",
        labelled("utf-16-le"),
        by_name,
        (DUMP,),
        ("bob",),
    ),
    Bypass("form in EBCDIC", "sqlite3", labelled("cp037"), by_name, (DUMP,), ("bob",)),
    Bypass(
        "form in UTF-7",
        "sqlite3",
        _source(
            "form in utf-7",
            "text/plain; charset=utf-7",
            lambda v: b"q=" + v.encode("ascii").replace(b"'", b"+ACc-"),
            lambda c: [c.decode("utf-7").partition("=")[2]],
        ),
        by_name,
        (DUMP,),
        ("bob",),
        warm=True,
    ),
    Bypass(
        "percent-encoded EBCDIC",
        "sqlite3",
        _source(
            "percent in cp037",
            "text/plain; charset=cp037",
            lambda v: b"q=" + quote(v.encode("cp037")).encode(),
            lambda c: [parse_qs(c.decode(), encoding="cp037")["q"][0]],
        ),
        by_name,
        (DUMP,),
        ("bob",),
    ),
    Bypass(
        "JSON in Latin-1",
        "sqlite3",
        _source(
            "JSON in latin-1",
            "text/plain; charset=latin-1",
            lambda v: json.dumps({"q": v}, ensure_ascii=False).encode("latin-1"),
            lambda c: json_of(c.decode("latin-1")),
        ),
        by_name,
        ("\u00e9\\" + DUMP,),
        ("\u00e9",),
        warm=True,
    ),
]

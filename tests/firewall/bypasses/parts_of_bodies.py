"""Parts of a body: transfer encodings, charsets and headers of their own, parts in parts."""

from __future__ import annotations

import email
import email.policy
import json
from typing import Any
from urllib.parse import parse_qs, urlencode
from xml.etree import ElementTree

from tests.firewall.bypasses.model import Bypass
from tests.firewall.bypasses.sinks import by_name, shell
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
        "part in base64",
        "sqlite3",
        _source(
            "part in base64",
            MULTI,
            lambda v: part(
                __import__("base64").b64encode(v.encode()), "Content-Transfer-Encoding: base64"
            ),
            part_of,
        ),
        by_name,
        (DUMP,),
        ("bob",),
    ),
    Bypass(
        "part in quoted-printable",
        "sh",
        _source(
            "part in qp",
            MULTI,
            lambda v: part(v.replace(";", "=3B"), "Content-Transfer-Encoding: quoted-printable"),
            part_of,
        ),
        lambda w, v: shell(w, f"echo {v}"),
        (";touch pwned",),
        ("a",),
    ),
    Bypass(
        "part with a charset",
        "sqlite3",
        _source(
            "part in utf-16",
            MULTI,
            lambda v: part(
                v.encode("utf-16-le"),
                'Content-Type: text/plain; charset="utf-16-le"',
                "Content-Transfer-Encoding: binary",
            ),
            part_of,
        ),
        by_name,
        (DUMP,),
        ("bob",),
    ),
    Bypass(
        "part with a charset of EBCDIC",
        "sh",
        _source(
            "part in cp037",
            MULTI,
            lambda v: part(
                v.encode("cp037"),
                'Content-Type: text/plain; charset="cp037"',
                "Content-Transfer-Encoding: 8bit",
            ),
            part_of,
        ),
        lambda w, v: shell(w, f"echo {v}"),
        (";touch pwned",),
        ("a",),
    ),
    Bypass(
        "part in a part",
        "sqlite3",
        _source(
            "nested multipart",
            MULTI,
            lambda v: (
                b"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\n"
                + v.encode()
                + b"\r\n--c--\r\n--b--\r\n"
            ),
            lambda c: [parts_of(c).get_payload()[0].get_payload()[0].get_payload()],
        ),
        by_name,
        (DUMP,),
        ("bob",),
    ),
    Bypass(
        "header of a part",
        "sh",
        _source(
            "part header",
            MULTI,
            lambda v: part("x", f"X-Note: {v}"),
            lambda c: [parts_of(c).get_payload()[0]["x-note"]],
        ),
        lambda w, v: shell(w, f"echo {v}"),
        (";touch pwned",),
        ("a",),
    ),
    Bypass(
        "header of a part, folded",
        "sh",
        _source(
            "folded part header",
            MULTI,
            lambda v: part("x", f"X-Note: a\r\n {v}"),
            lambda c: [parts_of(c).get_payload()[0]["x-note"]],
        ),
        lambda w, v: shell(w, f"echo {v}"),
        (";touch pwned",),
        ("b",),
    ),
    Bypass(
        "parts divided by line feeds",
        "sh",
        _source(
            "multipart with LF",
            MULTI,
            lambda v: part(v).replace(b"\r\n", b"\n"),
            lambda c: [parts_of(c).get_payload()[0].get_payload()],
        ),
        lambda w, v: shell(w, f"echo {v}"),
        (";touch pwned",),
        ("b",),
    ),
    Bypass(
        "text before the first part",
        "sh",
        _source(
            "preamble",
            MULTI,
            lambda v: v.encode() + b"\r\n" + part("x"),
            lambda c: [parts_of(c).preamble.strip()],
        ),
        lambda w, v: shell(w, f"echo {v}"),
        (";touch pwned",),
        ("b",),
    ),
]

"""Content-type confusion: a body that is said to be one thing and read as another."""

from __future__ import annotations

import email
import email.policy
import io
import json
from typing import Any
from urllib.parse import parse_qs, urlencode
from xml.etree import ElementTree

import msgspec
import yaml  # type: ignore[import-untyped]

from tests.firewall.bypasses.model import Bypass
from tests.firewall.bypasses.sinks import by_name, shell
from tests.firewall.bypasses.sources import FORM_TYPE, body

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
        "JSON said to be text",
        "sqlite3",
        _source("JSON as text", TEXT, doc, json_of),
        by_name,
        (DUMP,),
        ("bob",),
    ),
    Bypass(
        "JSON said to be a form",
        "sqlite3",
        _source("JSON as form", FORM_TYPE, doc, json_of),
        by_name,
        (DUMP,),
        ("a=b&c",),
    ),
    Bypass(
        "JSON said to be an image",
        "sh",
        _source("JSON as image", "image/png", doc, json_of),
        lambda w, v: shell(w, f"echo {v}"),
        ("é;touch pwned",),
        ("é",),
    ),
    Bypass(
        "JSON without a type",
        "sqlite3",
        _source("JSON untyped", "", doc, json_of),
        by_name,
        ("é" + DUMP,),
        ("é",),
    ),
    Bypass(
        "form said to be text",
        "sqlite3",
        _source("form as text", TEXT, form, first),
        by_name,
        (DUMP,),
        ("o''hara",),
    ),
    Bypass(
        "form said to be JSON lines",
        "sh",
        _source("form as json lines", "application/x-ndjson", form, first),
        lambda w, v: shell(w, f"echo {v}"),
        (";touch pwned",),
        ("a=b",),
    ),
    Bypass(
        "JSON behind a prefix",
        "sh",
        _source(
            "JSON with prefix",
            TEXT,
            lambda v: b")]}',\n" + json.dumps({"q": v}).encode(),
            lambda c: json_of(c.split(b"\n", 1)[1]),
        ),
        lambda w, v: shell(w, f"echo {v}"),
        ("\u00e9;touch pwned",),
        ("\u00e9",),
    ),
    Bypass(
        "JSON lines",
        "sqlite3",
        _source(
            "JSON lines", TEXT, lambda v: b"{}\n" + doc(v), lambda c: json_of(c.splitlines()[1])
        ),
        by_name,
        ("é" + DUMP,),
        ("é",),
    ),
    Bypass(
        "JSON called from a page",
        "sh",
        _source(
            "JSONP",
            "application/javascript",
            lambda v: b"f(" + doc(v) + b")",
            lambda c: json_of(c[2:-1]),
        ),
        lambda w, v: shell(w, f"echo {v}"),
        ("é;touch pwned",),
        ("é",),
    ),
    Bypass(
        "text of an element",
        "sqlite3",
        _source("XML", "application/xml", lambda v: f"<q><![CDATA[{v}]]></q>".encode(), xml_of),
        by_name,
        (DUMP,),
        ("bob",),
    ),
    Bypass(
        "text across elements",
        "sh",
        _source(
            "XML across elements",
            TEXT,
            lambda v: f"<q>{v.replace('|', '<b/>')}</q>".encode(),
            xml_of,
        ),
        lambda w, v: shell(w, f"echo {v}"),
        ("$(to|uch pwned)",),
        ("a|b",),
    ),
    Bypass(
        "entity of the document's own",
        "sh",
        _source(
            "XML entity",
            "text/xml",
            lambda v: (
                f'<!DOCTYPE q [<!ENTITY s "&#36;(">]><q>{v.replace("$(", "&s;")}</q>'.encode()
            ),
            xml_of,
        ),
        lambda w, v: shell(w, f"echo {v}"),
        ("$(touch pwned)",),
        ("a",),
    ),
    Bypass(
        "MessagePack",
        "sh",
        _source(
            "MessagePack",
            "application/msgpack",
            lambda v: msgspec.msgpack.encode({"q": v}),
            lambda c: [msgspec.msgpack.decode(c)["q"]],
        ),
        lambda w, v: shell(w, f"echo {v}"),
        (";touch pwned",),
        ("a",),
    ),
    Bypass(
        "MessagePack without its type",
        "sh",
        _source(
            "MessagePack as bytes",
            "application/octet-stream",
            lambda v: msgspec.msgpack.encode({"q": v}),
            lambda c: [msgspec.msgpack.decode(c)["q"]],
        ),
        lambda w, v: shell(w, f"echo {v}"),
        ("$(touch pwned)",),
        ("a",),
        out_of_reach="unknown transformation",
    ),
    Bypass(
        "YAML",
        "sh",
        _source(
            "YAML",
            "application/yaml",
            lambda v: yaml.safe_dump({"q": v, "r": "é"}).encode(),
            lambda c: [yaml.safe_load(c)["q"]],
        ),
        lambda w, v: shell(w, f"echo {v}"),
        ("é;touch pwned",),
        ("é",),
    ),
    Bypass(
        "row of a table",
        "sqlite3",
        _source(
            "CSV",
            "text/csv",
            lambda v: f'id,name\r\n1,"{v}"\r\n'.encode(),
            lambda c: [__import__("csv").DictReader(io.StringIO(c.decode())).__next__()["name"]],
        ),
        by_name,
        (DUMP,),
        ("bob",),
    ),
]

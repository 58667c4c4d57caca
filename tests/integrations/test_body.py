"""What an application reads out of a request is among our inputs: Starlette's parsers and ours."""

from __future__ import annotations

import asyncio
import base64
import gzip
import html
import json
import zlib
from functools import partial
from typing import Any
from urllib.parse import quote, quote_plus

import httpx
import msgspec
import pytest
from fastapi.security import HTTPBasic
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from stockade.boundary import check_body
from stockade.core.config import DefenceSettings, Settings
from stockade.core.context import current
from stockade.core.fields import readings
from stockade.core.inputs import InputLimits, Inputs
from stockade.integrations.asgi import Guard
from stockade.integrations.body import add_body

EVIL = "x' UNION SELECT 1 --"
OBSERVE = Settings(defence=DefenceSettings(mode="observe"))


def strings(document: object) -> set[str]:
    if isinstance(document, str):
        return {document}
    if isinstance(document, dict):
        return set(document).union(*map(strings, document.values()))
    if isinstance(document, list):
        return set().union(*map(strings, document))
    return {str(document)} if isinstance(document, (int, float)) and document < 0 else set()


class Reader:
    """An application that reads a request in every way that it can be read."""

    def __init__(self) -> None:
        self.read: set[str] = set()
        self.indexed: set[str] = set()
        self.overflow = False

    async def answer(self, request: Request) -> Response:
        self.read = read = set()
        read |= set(request.path_params.values())
        read |= {text for pair in request.query_params.multi_items() for text in pair}
        read |= {text for pair in request.cookies.items() for text in pair}
        read |= {value for name, value in request.headers.items() if readings(name, value)}
        body = await request.body()
        for reading in (self._json, self._form, self._basic):
            try:
                read |= await reading(request)
            except (ValueError, RecursionError, HTTPException, LookupError):
                pass  # the application cannot read it this way
        try:
            read.add(body.decode())
        except UnicodeDecodeError:
            read.add(body.decode("latin-1"))
        context = current()
        assert context is not None
        self.indexed = {item.value for item in context.inputs}
        self.overflow = context.inputs.overflow
        return Response()

    async def _json(self, request: Request) -> set[str]:
        return strings(await request.json())

    async def _form(self, request: Request) -> set[str]:
        read: set[str] = set()
        for name, value in (await request.form()).multi_items():
            text = value.filename if isinstance(value, UploadFile) else value
            read |= {name, text or ""}
        return read

    async def _basic(self, request: Request) -> set[str]:
        found = await HTTPBasic()(request)
        return {found.username, found.password} if found else set()

    @property
    def missed(self) -> set[str]:
        return {
            text
            for text in self.read - self.indexed
            if text and not (len(text) == 1 and text.isascii() and (text.isalnum() or text in "_ "))
        }


def ask(query: bytes | None = None, **request: Any) -> Reader:
    reader = Reader()
    routes = [
        Route(path, reader.answer, methods=["GET", "POST"])
        for path in ("/f/{name}.{end}", "/{p:path}")
    ]
    app = Guard(Starlette(routes=routes), OBSERVE, partial(check_body, max_depth=64))

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        if query is not None:  # bytes that httpx would percent-encode and servers pass on
            scope["query_string"] = query
        await app(scope, receive, send)

    async def run() -> None:
        transport = httpx.ASGITransport(app=serve)
        async with httpx.AsyncClient(transport=transport, base_url="http://a") as client:
            await client.send(client.build_request(**{"method": "POST", "url": "/", **request}))

    asyncio.run(run())
    return reader


PART = b'--zz\r\nContent-Disposition: form-data; name="q"\r\n\r\n%b\r\n--zz--\r\n'
MULTIPART = "multipart/form-data; boundary=zz"
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("content_type", "body", "read"),
    [
        (MULTIPART, json.dumps({"q": EVIL}).encode(), EVIL),
        (MULTIPART, EVIL.encode(), EVIL),
        (MULTIPART, b"\r\n\r\n" + PART % EVIL.encode(), EVIL),
        (MULTIPART + "; charset=utf-7", PART % EVIL.replace("'", "+ACc-").encode(), EVIL),
        (MULTIPART + "; charset=utf-16", PART % EVIL.encode("utf-16"), EVIL),
        (MULTIPART + "; charset=unicode_escape", PART % EVIL.replace("'", "\\x27").encode(), EVIL),
        (MULTIPART + "; charset=none", PART % ("é" + EVIL).encode(), ("é" + EVIL).encode().decode("latin-1")),
        (MULTIPART, PART % b"'", "'"),
        (FORM, f"q=é{EVIL}".encode(), ("é" + EVIL).encode().decode("latin-1")),
        (FORM, f"q=é{EVIL}".encode("latin-1"), "é" + EVIL),
        (FORM, b"q=%27", "'"),
        ("application/json", b'{"q": -1}', "-1"),
        ("application/json", b'{"a": "' + EVIL.encode() + b'\\u0041"}', f'{{"a": "{EVIL}\\u0041"}}'),
        ("image/png", json.dumps({"q": EVIL}).encode(), EVIL),
        ("application/octet-stream", json.dumps({"q": EVIL}).encode("utf-16"), EVIL),
        ("image/png", EVIL.encode(), EVIL),
    ],
)  # fmt: skip
def test_parsers_that_once_differed(content_type: str, body: bytes, read: str) -> None:
    reader = ask(content=body, headers={"content-type": content_type})
    assert read in reader.read
    assert read in reader.indexed


@pytest.mark.parametrize(
    ("headers", "read"),
    [
        ({"authorization": "Basic " + base64.b64encode(f"{EVIL}\t:x".encode()).decode()}, EVIL + "\t"),
        ({"authorization": "Basic eCcg-T1IgMTox"}, "x' OR 1"),
        ({"cookie": 's="\\"x\\047 OR 1"'}, "\"x' OR 1"),
        ({"cookie": '"x\\047 OR 1"'}, "x' OR 1"),
        ({"accept": "text/html;q='"}, "text/html;q='"),
    ],
)  # fmt: skip
def test_headers_that_once_differed(headers: dict[str, str], read: str) -> None:
    reader = ask(headers=headers)
    assert read in reader.read
    assert read in reader.indexed


def test_the_parts_of_a_path_segment() -> None:
    reader = ask(url=f"/f/{EVIL}.txt")
    assert EVIL in reader.read
    assert not reader.missed


TOKENS = st.sampled_from(
    [b"q", b"=", b"&", b";", b"%27", b"'", b"+", b" ", b"\xe9", b"\xc3\xa9", b"%C3%A9", b"%E9",
     b'"', b"\\", b"\\047", b"\\u0027", b"{", b"}", b"[", b"]", b":", b",", b"-1", b"NaN", b"--zz",
     b"\r\n", b"+ACc-", b"ab", b"\t", b"=20", b".", b"/"]
)  # fmt: skip
BYTES = st.lists(TOKENS, max_size=10).map(b"".join)
HEADER = BYTES.map(lambda text: text.replace(b"\r\n", b"").strip())
BODIES = st.one_of(
    BYTES,
    BYTES.map(lambda value: PART % value),
    BYTES.map(lambda value: b"q=" + value),
    st.recursive(st.text("'\"\\é- x") | st.integers() | st.floats(), st.lists).map(
        lambda document: json.dumps({"q": document}).encode()
    ),
)
TYPES = st.sampled_from(
    [FORM, MULTIPART, "application/json", "text/plain", "", "image/png", FORM + "; charset=utf-7",
     MULTIPART + "; charset=utf-7", MULTIPART + "; charset=utf-16", FORM.title()]
)  # fmt: skip


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(BODIES, TYPES, HEADER, HEADER, HEADER, BYTES)
def test_whatever_the_application_reads_is_indexed(
    body: bytes, content_type: str, cookie: bytes, own: bytes, token: bytes, query: bytes
) -> None:
    headers = [
        (b"content-type", content_type.encode()),
        (b"cookie", cookie),
        (b"x-own", own),
        (b"authorization", b"Basic " + base64.b64encode(token)),
    ]
    reader = ask(query=query, content=body, headers=headers)
    assert reader.overflow or not reader.missed


def indexed(content_type: str, body: bytes) -> Inputs:
    inputs = Inputs(InputLimits())
    add_body(inputs, content_type, body)
    return inputs


@pytest.mark.parametrize("content_type", ["image/png", "application/octet-stream", ""])
def test_an_upload_that_is_no_text_is_one_file_and_no_form(content_type: str) -> None:
    body = b"\x89PNG" + bytes(range(256)) * 4_000 + b"&=" * 10_000
    inputs = indexed(content_type, body)
    assert len(inputs.items) == 2  # read as UTF-8 and as Latin-1
    assert not inputs.overflow


def test_an_import_of_ordinary_size_is_within_the_limits() -> None:
    rows = [{"name": f"N {n}", "mail": f"m{n}@x.org", "note": f"d {n}"} for n in range(1_000)]
    assert not indexed("application/json", json.dumps(rows).encode()).overflow


def test_a_document_too_deep_to_read_here_is_not_taken_for_an_empty_one() -> None:
    assert indexed("text/plain", b'{"a":' * 50_000 + b'"x"' + b"}" * 50_000).overflow


def test_the_second_reading_of_a_large_upload_is_spared_and_of_a_false_one_is_not() -> None:
    honest = indexed(MULTIPART, PART % (b"a=b&" * 20_000))
    assert "a" not in {item.value for item in honest}
    assert len(honest.items) < 12
    false = indexed(MULTIPART, b"q=" + EVIL.encode() + b"&z=" + b"z" * 70_000)
    assert EVIL in {item.value for item in false}


def test_an_upload_that_is_still_arriving_is_no_text() -> None:
    """Its first part is a file whose end is not here yet: no value of it counts by itself."""
    head = b'--B\r\nContent-Disposition: form-data; name="f"; filename="a.csv"\r\n\r\n'
    inputs = Inputs(InputLimits(values=50, characters=1_000))
    add_body(inputs, "multipart/form-data; boundary=B", head + b"a,b=1&c=2\n" * 20_000)
    assert not inputs.overflow
    assert "a.csv" in {item.value for item in inputs}


NESTED = (
    b'--zz\r\nContent-Disposition: form-data; name="f"\r\n'
    b"Content-Type: multipart/mixed; boundary=yy\r\n\r\n"
    b'--yy\r\nContent-Disposition: form-data; name="q"\r\n\r\n%b\r\n--yy--\r\n\r\n--zz--\r\n'
)
TRANSFERRED = (
    b'--zz\r\nContent-Disposition: form-data; name="q"\r\n'
    b"Content-Transfer-Encoding: base64\r\n\r\n%b\r\n--zz--\r\n"
)
UPLOAD = (
    b'--zz\r\nContent-Disposition: form-data; name="f"; filename="a.csv"\r\n'
    b"Content-Type: text/csv\r\n\r\n%b\r\n--zz--\r\n"
)
NAMED = (
    b"--zz\r\nContent-Disposition: form-data; name=\"f\"; filename*=UTF-8''%b\r\n\r\n"
    b"a\r\n--zz--\r\n"
)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (MULTIPART, NESTED % EVIL.encode()),
        (MULTIPART, TRANSFERRED % base64.b64encode(EVIL.encode())),
        (MULTIPART, NAMED % quote(EVIL, safe="").encode()),
        (MULTIPART, UPLOAD % f'id,name\r\n1,"{EVIL}"\r\n'.encode()),
        (MULTIPART, UPLOAD % f"id;name\r\n1;{EVIL}\r\n".encode()),
        (MULTIPART, UPLOAD % f"id\tname\n1\t{EVIL}\n".encode()),
        (MULTIPART, UPLOAD % f"harmless\n{EVIL}\n".encode()),
        (MULTIPART, UPLOAD % json.dumps({"rows": [{"q": EVIL}]}).encode()),
        ("text/csv", f'id,name\r\n1,"{EVIL}"\r\n'.encode()),
        ("application/x-ndjson", f'{{"q": "a"}}\n{json.dumps({"q": EVIL})}\n'.encode()),
        ("application/xml", f"<a><b>{EVIL}</b></a>".encode()),
        ("application/xml", f'<a><b c="{EVIL}"/></a>'.encode()),
        ("text/xml", f"<a>{html.escape(EVIL, quote=True)}</a>".encode()),
        ("text/xml", f"<a><![CDATA[{EVIL}]]></a>".encode("utf-16")),
        ("application/msgpack", msgspec.msgpack.encode({"q": [EVIL]})),
        ("application/graphql", f'{{ user(name: "{EVIL}") {{ id }} }}'.encode()),
        ("application/json", json.dumps([{"query": f'{{ a(b: "{EVIL}") }}'}]).encode()),
        ("application/json", json.dumps({"query": "q", "variables": {"b": EVIL}}).encode()),
        (FORM, b"q=" + quote_plus(EVIL[:8]).encode() + b"&q=" + quote_plus(EVIL[8:]).encode()),
    ],
)
def test_values_inside_documents_parts_and_files(content_type: str, body: bytes) -> None:
    expected = EVIL if b"&q=" not in body else f"{EVIL[:8]},{EVIL[8:]}"
    assert expected in {item.value for item in indexed(content_type, body)}


@pytest.mark.parametrize("coding", ["gzip", "deflate", "deflate, gzip"])
def test_a_compressed_body_is_indexed_as_it_is_inflated_and_a_bomb_is_too_much(coding: str) -> None:
    def pack(data: bytes) -> bytes:
        for name in coding.split(", "):
            data = gzip.compress(data) if name == "gzip" else zlib.compress(data)
        return data

    inputs = Inputs(InputLimits())
    add_body(inputs, "application/json", pack(json.dumps({"q": EVIL}).encode()), coding)
    assert EVIL in {item.value for item in inputs}
    assert not inputs.overflow
    bomb = Inputs(InputLimits())
    add_body(bomb, "application/json", pack(b'"' + b"a" * 9_000_000 + b'"'), coding)
    assert bomb.overflow


def test_an_upload_that_is_an_archive_is_no_bomb() -> None:
    assert not indexed("application/gzip", gzip.compress(b"a" * 9_000_000)).overflow


def test_a_large_table_with_quotes_is_within_the_limits() -> None:
    rows = b"1,\"O'Neill & Sons; it's\",x\r\n" * 2_000
    assert not indexed(MULTIPART, UPLOAD % rows).overflow

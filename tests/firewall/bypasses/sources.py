"""Where values come from: each source sends them as clients do and reads them as services do."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import FormData
from starlette.formparsers import MultiPartParser
from starlette.requests import HTTPConnection
from starlette.testclient import TestClient

from tests.firewall.bypasses.model import Answer, Source

__all__ = [
    "BASIC", "COOKIE", "FILE_NAME", "FORM", "HEADER", "JSON", "JSON_KEY", "MULTIPART", "PATH",
    "QUERY", "WEBSOCKET", "body", "header", "http", "query",
]  # fmt: skip

_NAMES = ("q", "r", "s", "t")
FORM_TYPE = "application/x-www-form-urlencoded"


def http(client: TestClient, method: str, address: str, **options: Any) -> Answer:
    got = client.request(method, address, **options)
    return Answer(got.status_code, got.headers.get("content-type", ""), got.text)


def query(
    name: str,
    read: Callable[[HTTPConnection], Any] | None = None,
    encode: Callable[[str], str] = lambda value: quote(value, safe=""),
) -> Source:
    """Values of a query; `read` where the service does not read `q`, `r` … one by one."""

    def send(client: TestClient, values: tuple[Any, ...]) -> Answer:
        pairs = zip(_NAMES, values, strict=False)
        return http(client, "GET", "/x?" + "&".join(f"{n}={encode(value)}" for n, value in pairs))

    def read_all(request: HTTPConnection, _: bytes) -> Any:
        if read is not None:
            return read(request)
        return [request.query_params[name] for name in _NAMES if name in request.query_params]

    return Source(name, send, read_all)


def header(
    name: str,
    field: str,
    read: Callable[[str], Any] = lambda value: [value],
    spell: Callable[[Any], str] = str,
) -> Source:
    """One header field."""

    def send(client: TestClient, values: tuple[Any, ...]) -> Answer:
        text = spell(*values)
        return http(client, "GET", "/x", headers=[(field, text.encode("utf-8"))])

    return Source(name, send, lambda request, _: read(request.headers[field]))


def body(
    name: str,
    content_type: str,
    write: Callable[..., bytes],
    read: Callable[[bytes], Any],
    **headers: str,
) -> Source:
    """A body of some kind."""

    def send(client: TestClient, values: tuple[Any, ...]) -> Answer:
        fields = {"content-type": content_type, **headers}
        return http(client, "POST", "/x", content=write(*values), headers=fields)

    return Source(name, send, lambda _, content: read(content))


def _send_path(client: TestClient, values: tuple[Any, ...]) -> Answer:
    return http(client, "GET", "/items/" + "/".join(quote(value, safe="") for value in values))


def _cookie_of(request: HTTPConnection, _: bytes) -> list[str]:
    return [request.cookies["q"]]


def _send_cookie(client: TestClient, values: tuple[Any, ...]) -> Answer:
    jar: SimpleCookie = SimpleCookie()
    jar["q"] = values[0]
    return http(client, "GET", "/x", headers={"cookie": jar.output(header="").strip()})


def _parts(values: tuple[Any, ...], *, as_names: bool) -> dict[str, Any]:
    if as_names:
        return {"files": [("file", (value, b"content", "text/plain")) for value in values]}
    return {"files": [(n, (None, value)) for n, value in zip(_NAMES, values, strict=False)]}


async def _multipart(request: HTTPConnection, content: bytes) -> FormData:
    async def stream() -> Any:
        yield content

    return await MultiPartParser(request.headers, stream()).parse()


async def _fields(request: HTTPConnection, content: bytes) -> list[Any]:
    return [value for _, value in (await _multipart(request, content)).multi_items()]


async def _file_names(request: HTTPConnection, content: bytes) -> list[str]:
    form = await _multipart(request, content)
    names = [getattr(value, "filename", "") for _, value in form.multi_items()]
    await form.close()
    return names


def _send_message(client: TestClient, values: tuple[Any, ...]) -> Answer:
    with client.websocket_connect("/ws") as socket:
        socket.send_text(json.dumps(values))
        return Answer(200, "", socket.receive_text())


QUERY = query("query")
PATH = Source("path", _send_path, lambda request, _: [request.path_params["rest"].split("/", 1)[1]])
COOKIE = Source("cookie", _send_cookie, _cookie_of)
HEADER = header("header", "x-value")
BASIC = header(
    "basic authorization",
    "authorization",
    lambda value: base64.b64decode(value.split()[1]).decode().split(":", 1),
    lambda *values: "Basic " + base64.b64encode(":".join(values).encode()).decode(),
)
FORM = body(
    "form",
    FORM_TYPE,
    lambda *values: urlencode(list(zip(_NAMES, values, strict=False))).encode(),
    lambda content: [value for _, value in parse_qsl(content.decode(), keep_blank_values=True)],
)
JSON = body(
    "json value",
    "application/json",
    lambda *values: json.dumps(dict(zip(_NAMES, values, strict=False))).encode(),
    lambda content: list(json.loads(content).values()),
)
JSON_KEY = body(
    "json key",
    "application/json",
    lambda *values: json.dumps(dict.fromkeys(values, 1)).encode(),
    lambda content: list(json.loads(content)),
)
MULTIPART = Source(
    "multipart field",
    lambda client, values: http(client, "POST", "/x", **_parts(values, as_names=False)),
    _fields,
)
FILE_NAME = Source(
    "multipart file name",
    lambda client, values: http(client, "POST", "/x", **_parts(values, as_names=True)),
    _file_names,
)
WEBSOCKET = Source("websocket", _send_message, lambda _, content: json.loads(content))

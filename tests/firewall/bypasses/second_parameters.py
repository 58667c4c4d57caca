"""Second parameters: a value that comes twice, from two places, or under a name of its own."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote_plus

from starlette.requests import HTTPConnection
from starlette.testclient import TestClient

from tests.firewall.bypasses.model import Answer, Bypass, Source
from tests.firewall.bypasses.sinks import by_id, by_name, shell
from tests.firewall.bypasses.sources import http


def repeated(name: str, join: Any) -> Source:
    """`q` once for each value."""

    def send(client: TestClient, values: tuple[Any, ...]) -> Answer:
        return http(client, "GET", "/x", params=[("q", value) for value in values])

    def read(request: HTTPConnection, _: bytes) -> list[str]:
        return [join(request.query_params.getlist("q"))]

    return Source(name, send, read)


def raw(name: str, read: Any, method: str = "GET", **options: Any) -> Source:
    """The whole request as the values say: the rest of the address."""

    def send(client: TestClient, values: tuple[Any, ...]) -> Answer:
        return http(client, method, values[0], **options)

    return Source(name, send, read)


def _send_method(client: TestClient, values: tuple[Any, ...]) -> Answer:
    return http(client, "GET", "/x", headers={values[0]: "1"})


def _send_cookies(client: TestClient, values: tuple[Any, ...]) -> Answer:
    text = "; ".join(f"q={value}" for value in values)
    return http(client, "GET", "/x", headers={"cookie": text})


def _send_headers(client: TestClient, values: tuple[Any, ...]) -> Answer:
    return http(client, "GET", "/x", headers=[("x-q", value) for value in values])


def _send_both(client: TestClient, values: tuple[Any, ...]) -> Answer:
    return http(client, "POST", "/x", params={"q": values[0]}, data={"q": values[1]})


def _send_duplicate(client: TestClient, values: tuple[Any, ...]) -> Answer:
    text = "{" + ", ".join(f'"q": {json.dumps(value)}' for value in values) + "}"
    return http(client, "POST", "/x", content=text.encode(), headers={"content-type": "text/plain"})


LAST = repeated("repeated parameter, last", lambda values: values[-1])
COMMAS = repeated("repeated parameter, by commas", ",".join)
NOTHING = repeated("repeated parameter, by nothing", "".join)
BLANKS = repeated("repeated parameter, by blanks", " ".join)
LIST = repeated("repeated parameter, as a list", lambda values: values)
COOKIES = Source(
    "repeated cookie",
    _send_cookies,
    lambda request, _: [request.headers["cookie"].split("=", 1)[1].split(";")[0]],
)
HEADERS = Source(
    "repeated header", _send_headers, lambda request, _: [", ".join(request.headers.getlist("x-q"))]
)
BOTH = Source(
    "query and form",
    _send_both,
    lambda request, content: [
        request.query_params["q"] + unquote_plus(content.decode().partition("=")[2])
    ],
)
FIRST_KEY = Source(
    "duplicate key, first",
    _send_duplicate,
    lambda _, content: [json.loads(content, object_pairs_hook=lambda pairs: pairs[0][1])],
)
NAME = raw("name of a parameter", lambda request, _: [next(iter(request.query_params))])
HEADER_NAME = Source(
    "name of a header",
    _send_method,
    lambda request, _: [next(name for name in request.headers if "z" in name)],
)
RAW_QUERY = raw("raw query", lambda request, _: [request.scope["query_string"].decode()])
ADDRESS = raw("whole address", lambda request, _: [str(request.url)])
SEMICOLONS = raw(
    "query of semicolons",
    lambda request, _: [request.scope["query_string"].decode().split(";")[1].partition("=")[2]],
)
BRACKETS = raw(
    "name in brackets",
    lambda request, _: [next(iter(request.query_params)).split("[")[1].rstrip("]")],
)
RAW_PATH = raw(
    "raw path", lambda request, _: [request.scope["raw_path"].decode().partition("?")[0]]
)

BYPASSES = [
    Bypass("second one wins", "sqlite3", LAST, by_name, ("bob", "' OR role='admin"), ("x", "bob")),
    Bypass(
        "attack in two, joined by commas",
        "sqlite3",
        COMMAS,
        lambda w, v: w.rows(f"SELECT password FROM users WHERE role = 'member' AND id IN ({v})"),
        ("0) or (coalesce(1", "1)=1"),
        ("2", "3"),
    ),
    Bypass(
        "attack in two, joined by commas",
        "sh",
        COMMAS,
        lambda w, v: shell(w, f"echo {{{v}}}"),
        ("a}", ";touch pwned;{"),
        ("a", "b"),
    ),
    Bypass(
        "attack in two, joined by nothing",
        "sqlite3",
        NOTHING,
        by_name,
        ("' OR role=", "'admin"),
        ("b", "ob"),
    ),
    Bypass("attack in two, joined by blanks", "sqlite3", BLANKS, by_id, ("0 or", "1"), ("2",)),
    Bypass(
        "list in a tuple's own spelling",
        "sqlite3",
        LIST,
        lambda w, v: w.rows(
            f"SELECT name, password FROM users WHERE role = 'member' AND name IN {(*v, '-')}"
        ),
        ("\"') or 1=1 --",),
        ("bob", "o hara"),
    ),
    Bypass(
        "list in a tuple's own spelling",
        "sh",
        LIST,
        lambda w, v: shell(w, f"echo {v[0]!r}"),
        ("'\x01$(touch${IFS}pwned)\x01",),
        ("bob",),
    ),
    Bypass(
        "first cookie wins", "sqlite3", COOKIES, by_name, ("' OR role='admin", "bob"), ("bob", "x")
    ),
    Bypass(
        "attack in two header fields", "sqlite3", HEADERS, by_id, ("coalesce(0", "0) or 1"), ("2",)
    ),
    Bypass(
        "attack in query and form", "sqlite3", BOTH, by_name, ("'OR(id", "-0)OR'1"), ("b", "ob")
    ),
    Bypass(
        "first of two keys",
        "sqlite3",
        FIRST_KEY,
        by_name,
        ("' OR role='admin", "bob"),
        ("bob", "x"),
        warm=True,
    ),
    Bypass(
        "first of two keys",
        "sh",
        FIRST_KEY,
        lambda w, v: shell(w, f"echo {v}"),
        (";touch pwned", "bob"),
        ("bob", "x"),
    ),
    Bypass(
        "name as a value",
        "sqlite3",
        NAME,
        by_name,
        ("/x?%27%20OR%20role%3d%27admin=1",),
        ("/x?bob=1",),
    ),
    Bypass(
        "name in brackets as a value",
        "sqlite3",
        BRACKETS,
        by_name,
        ("/x?f[%27%20OR%20role%3d%27admin]=1",),
        ("/x?f[bob]=1",),
    ),
    Bypass("name of a field as a value", "sqlite3", HEADER_NAME, by_name, ("'or'1'|'z",), ("x-z",)),
    Bypass(
        "query as it came",
        "sh",
        RAW_QUERY,
        lambda w, v: shell(w, f'echo "{v}"'),
        ("/x?q=a%41$(touch$IFS./pwned)",),
        ("/x?q=a%41&r=%27",),
    ),
    Bypass(
        "address as it came",
        "sh",
        ADDRESS,
        lambda w, v: shell(w, f'echo "{v}"'),
        ("/x?q=a%41$(touch$IFS./pwned)",),
        ("/x?q=a%41&r=%27",),
    ),
    Bypass(
        "query divided by semicolons",
        "sqlite3",
        SEMICOLONS,
        by_name,
        ("/x?a=1;q='/**/OR/**/role='admin",),
        ("/x?a=1;q=bob",),
    ),
    Bypass(
        "path as it came",
        "sh",
        RAW_PATH,
        lambda w, v: shell(w, f'echo "{v}"'),
        ("/a%41/$(touch$IFS./pwned)",),
        ("/a%41/b",),
    ),
]

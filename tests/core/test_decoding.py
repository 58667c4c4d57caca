"""Decoding: whatever the usual libraries make of a text is among our spellings of it."""

from __future__ import annotations

import base64
import email.header
import html
import json
import quopri
import sqlite3
import zlib
from collections.abc import Callable
from email.header import Header
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import quote, unquote, unquote_to_bytes

import graphql
import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import URLSafeSerializer

from stockade.core.decoding import cookie_value, decoded_spellings, parse_json, strings_of
from stockade.core.errors import Blocked
from stockade.core.graphql import graphql_strings
from stockade.core.inputs import InputLimits, Inputs, Source
from stockade.core.tokens import TooLarge, base64_spellings
from tests.growth import growth

EVIL = "x' OR 1=1 --"
ENCODED = base64.b64encode(EVIL.encode()).decode()


@pytest.mark.parametrize(
    "text",
    [
        ENCODED,
        ENCODED[:6] + "!" + ENCODED[6:],
        ENCODED[:6] + "\n" + ENCODED[6:],
        ENCODED[:4] + "-" + ENCODED[4:],
        ENCODED.rstrip("=") + "  ",
    ],
)
def test_base64_as_lenient_as_the_standard_library(text: str) -> None:
    assert base64.b64decode(text + "==").decode() == EVIL
    assert EVIL in decoded_spellings(text)


@given(st.binary(min_size=6).filter(lambda data: data.isascii()), st.text("!-\n ", max_size=4))
def test_base64_with_foreign_characters(data: bytes, foreign: str) -> None:
    text = base64.b64encode(data).decode()
    assert data.decode() in base64_spellings(text[:5] + foreign.replace("-", "") + text[5:])
    assert data.decode() in base64_spellings(base64.urlsafe_b64encode(data).decode())


def test_base64_in_latin_1_where_that_is_asked_for() -> None:
    text = base64.b64encode("é' OR".encode("latin-1")).decode()
    assert base64_spellings(text) == []
    assert base64_spellings(text, latin=True) == ["é' OR"]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"q": EVIL, "n": 1})[:-1] + ', "m": NaN}',
        json.dumps({"q": EVIL, "many": [f"v {n}" for n in range(500)]}),
        json.dumps([EVIL, "\ud800"]),
    ],
)
def test_json_in_a_parameter(text: str) -> None:
    assert EVIL in json.loads(text) or json.loads(text)["q"] == EVIL
    assert EVIL in decoded_spellings(text)


def test_negative_numbers_are_strings() -> None:
    found = {text for _, text, _ in strings_of(json.loads('[-1, 2, -0.5, true, {"k": -3}]'))}
    assert found == {"-1", "-0.5", "k", "-3"}
    assert "-1" in decoded_spellings(" -01")


def test_a_document_nested_too_deeply_is_no_document_without_strings() -> None:
    with pytest.raises(RecursionError):
        parse_json("[" * 100_000)


@given(st.text('a"\\047;', max_size=12))
def test_cookies_as_the_standard_library_unquotes_them(content: str) -> None:
    value = f'"{content}"'
    loaded: SimpleCookie = SimpleCookie()
    assert loaded.value_decode(value)[0] == cookie_value(value)


def claims(token: str) -> str:
    """A JSON Web Token's payload, read without a check of its signature."""
    payload = token.split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["sub"])


def session(cookie: str) -> str:
    return str(URLSafeSerializer("key").loads_unsafe(cookie)[1]["user"])


def argument(document: str) -> str:
    node = graphql.parse(document)
    strings: list[str] = []

    class Collect(graphql.Visitor):
        def enter_string_value(self, node: graphql.StringValueNode, *_: object) -> None:
            strings.append(node.value)

    graphql.visit(node, Collect())
    return strings[-1]


def words(header: str) -> str:
    return str(email.header.make_header(email.header.decode_header(header)))


def segment(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def token(value: str) -> str:
    return f"{segment(json.dumps({'alg': 'none'}))}.{segment(json.dumps({'sub': value}))}."


def overlong(text: str) -> str:
    """As decoders do that shift bits and check nothing."""
    data, found = unquote_to_bytes(text), ""
    while data:
        long = data[0] in (0xC0, 0xC1)
        found += chr((data[0] & 1) << 6 | data[1] & 63) if long else chr(data[0])
        data = data[2 if long else 1 :]
    return found


DECODERS: dict[str, tuple[Callable[[str], str], Callable[[str], str]]] = {
    "jwt": (token, claims),
    "flask": (lambda v: str(URLSafeSerializer("key").dumps({"user": v})), session),
    "flask compressed": (
        lambda v: str(URLSafeSerializer("key").dumps({"user": v, "z": "a" * 500})),
        session,
    ),
    "html": (lambda v: html.escape(v).replace("'", "&apos;"), html.unescape),
    "html decimal": (lambda v: v.replace("'", "&#39"), html.unescape),
    "unicode": (lambda v: v.replace("'", "\\u0027"), lambda v: v.encode().decode("unicode_escape")),
    "hexadecimal": (lambda v: v.encode().hex(), lambda v: bytes.fromhex(v).decode()),
    "hexadecimal 0x": (lambda v: "0x" + v.encode().hex(), lambda v: bytes.fromhex(v[2:]).decode()),
    "base64 utf-16": (
        lambda v: base64.b64encode(v.encode("utf-16-le")).decode(),
        lambda v: base64.b64decode(v).decode("utf-16-le"),
    ),
    "base32": (lambda v: base64.b32encode(v.encode()).decode(), lambda v: base64.b32decode(v).decode()),
    "mail word": (lambda v: Header(v + "é", "utf-8").encode(), lambda v: words(v).rstrip("é")),
    "quoted-printable": (
        lambda v: quopri.encodestring(v.encode(), quotetabs=True).decode().replace("'", "=27"),
        lambda v: quopri.decodestring(v.encode()).decode(),
    ),
    "extended parameter": (
        lambda v: "UTF-8''" + quote(v, safe=""),
        lambda v: unquote(v.split("'", 2)[2]),
    ),
    "percent, three deep": (
        lambda v: quote(quote(quote(v, safe=""))),
        lambda v: unquote(unquote(unquote(v))),
    ),
    "overlong": (lambda v: v.replace("'", "%c0%a7"), overlong),
    "graphql": (lambda v: f"query {{ user(name: {json.dumps(v)}) {{ id }} }}", argument),
    "graphql block": (
        lambda v: f'# "\n{{ user(name: """\n    {v}\n""") {{ id }} }}',
        argument,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DECODERS)
def test_what_an_application_decodes_is_stopped_at_its_sink(
    name: str, request_of: Any, firewall: Any
) -> None:
    encode, decode = DECODERS[name]
    attack = "nobody' UNION SELECT secret FROM users --"

    def ask(value: str) -> list[Any]:
        database = sqlite3.connect(":memory:")
        database.executescript(
            "CREATE TABLE users(name, secret); INSERT INTO users VALUES('a','s3')"
        )
        with request_of(value):
            return database.execute(
                f"SELECT name FROM users WHERE name = '{decode(value)}'"
            ).fetchall()

    sent = encode(attack)
    assert sent != attack
    assert ask(sent) == [("s3",)]
    with firewall("block"):
        with pytest.raises(Blocked):
            ask(sent)
        assert ask(encode("a")) == [("a",)]
        assert ask(encode("Anne, of Green Gables & sons")) == []


@given(st.text("\"\\#u0027{}n\n 'a\ud83d\ude00", max_size=30))
def test_strings_of_graphql_are_those_that_its_reference_reads(text: str) -> None:
    document = f"{{ a(b: {text}) }}"
    try:
        node = graphql.parse(document)
    except graphql.GraphQLError:
        return
    strings: list[str] = []

    class Collect(graphql.Visitor):
        def enter_string_value(self, node: graphql.StringValueNode, *_: object) -> None:
            strings.append(node.value)

    graphql.visit(node, Collect())
    assert set(filter(None, strings)) <= set(graphql_strings(document))


def test_a_compressed_token_that_is_too_large_is_said() -> None:
    bomb = "." + segment_of(zlib.compress(b"a" * 1_000_000)) + ".AAAAAAAA.BBBBBBBBBBBB"
    with pytest.raises(TooLarge):
        decoded_spellings(bomb)
    inputs = Inputs(InputLimits())
    inputs.add(Source.COOKIE, "session", bomb)
    assert inputs.overflow


def segment_of(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@pytest.mark.parametrize(
    "value",
    [
        "20240115",
        "4369912345",
        "5d41402abc4b2a76b9719d911017c592",
        "R&D",
        "a=b",
        "1.2.3",
        "AT&T; x",
    ],
)
def test_what_only_looks_encoded_is_left_alone(value: str) -> None:
    assert decoded_spellings(value) == ()


@pytest.mark.parametrize(
    ("start", "piece"),
    [("", "%27"), ("", "&#39;"), ("", "=?=?"), ('{"""', '\\"""'), ("", "a."), ("", "\\u0027"),
     ("", "%c0%a7"), ("", "=27"), ("0x", "27"), ('{"', "#")],
)  # fmt: skip
def test_decoding_takes_time_in_proportion(start: str, piece: str) -> None:
    assert growth(lambda size: decoded_spellings(start + piece * size), 1_000) < 8

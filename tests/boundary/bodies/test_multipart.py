"""Where the parts of a multipart body begin and end, all parsers agree, or it is refused."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.boundary import check_body
from stockade.core.errors import Rejected
from tests.boundary.bodies.clients import CLIENTS, Client
from tests.boundary.bodies.frameworks import by_starlette, by_werkzeug
from tests.growth import growth

TYPE = "multipart/form-data; boundary=xyz"
HEAD = b'Content-Disposition: form-data; name="a"'
FILE = b'Content-Disposition: form-data; name="f"; filename="a.txt"'
END = b"--xyz--\r\n"


def part(head: bytes, content: bytes) -> bytes:
    return b"--xyz\r\n" + head + b"\r\n\r\n" + content + b"\r\n"


def outcome(body: bytes, content_type: str = TYPE) -> tuple[int, str]:
    try:
        check_body(content_type, body, max_depth=64)
    except Rejected as refused:
        return refused.code, refused.rule
    return 200, ""


@pytest.mark.parametrize("name", CLIENTS)
def test_what_clients_send_passes(name: str) -> None:
    client: Client = CLIENTS[name]

    assert outcome(client.body, client.content_type) == (200, "")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"hello", (400, "body.multipart")),
        (b"preamble\r\n" + part(HEAD, b"1") + END, (400, "body.multipart")),
        (part(HEAD, b"1"), (400, "body.multipart")),
        (part(HEAD, b"1")[:-1], (400, "body.multipart")),
        (part(HEAD, b"1") + b"--xyz", (400, "body.multipart")),
        (part(HEAD, b"1") + b"--xyz-", (400, "body.multipart")),
        (part(HEAD, b"1") + END + b"epilogue", (400, "body.multipart")),
        (part(HEAD, b"1") + END + part(HEAD, b"2") + END, (400, "body.multipart")),
        (part(HEAD, b"1") + b"--xyz \r\n" + HEAD + b"\r\n\r\n2\r\n" + END, (400, "body.multipart")),
        (part(HEAD, b"1") + b"--xyzzy\r\n" + END, (400, "body.multipart")),
        (part(FILE, b"1\n--xyz\n" + HEAD + b"\n\n2") + END, (400, "body.multipart")),
        (part(FILE, b"1\r--xyz\r" + HEAD + b"\r\r2") + END, (400, "body.multipart")),
        (part(FILE, b"1\r--xyz--") + END, (400, "body.multipart")),
        (part(FILE, b"--xyz--") + END, (400, "body.multipart")),
        (b"--xyz\r\n" + HEAD + b"\r\n--xyz\r\n" + END, (400, "body.part")),
        (b"--xyz\r\n\r\n\r\n" + END, (400, "body.part")),
        (b"--xyz\r\n" + HEAD + b"\r\n" + END, (400, "body.part")),
        (part(HEAD + b"\r\nX: " + b"y" * 9_000, b"1") + END, (400, "body.part")),
        (part(HEAD, b"1") * 1_001 + END, (413, "body.fields")),
        (part(HEAD, b"x" * (1 << 20) + b"x") + END, (413, "body.field-size")),
        (part(HEAD, b"x\0y") + END, (400, "body.multipart")),
        (part(HEAD, b"\xe9") + END, (400, "body.encoding")),
        (part(HEAD + b"\r\nContent-Type: text/plain; charset=utf-7", b"+ACc-") + END, (415, "body.charset")),
        (part(HEAD + b"\r\nContent-Type: text/plain; charset=latin1", b"\xe9") + END, (415, "body.charset")),
        (part(HEAD + b"\r\nContent-Type: text/plain; charset*=utf-7", b"x") + END, (415, "body.charset")),
        (part(HEAD + b"\r\nContent-Type: application/json", b'{"a":1,"a":2}') + END, (422, "body.duplicate")),
        (part(HEAD + b"\r\nContent-Type: application/xml", b"<!DOCTYPE a><a/>") + END, (422, "body.doctype")),
        (part(b'Content-Disposition: form-data; name="_charset_"', b"utf-7") + END, (415, "body.charset")),
    ],
)  # fmt: skip
def test_bodies_that_are_refused(body: bytes, expected: tuple[int, str]) -> None:
    assert outcome(body) == expected


def test_a_field_that_only_one_framework_sees_is_refused() -> None:
    """A line end without its CR hides a field in a file, for one parser and not for the other."""
    hidden = b"1\n--xyz\n" + HEAD.replace(b'"a"', b'"role"') + b"\n\nadmin"
    body = part(FILE, hidden) + END
    flask, fastapi = by_werkzeug(body, "xyz"), by_starlette(body, "xyz")
    assert flask != fastapi
    assert outcome(body) == (400, "body.multipart")
    twin = body.replace(b"\n--xyz\n", b"\n--xy\n")
    assert by_werkzeug(twin, "xyz") == by_starlette(twin, "xyz") != []
    assert outcome(twin) == (200, "")


names = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="\\"))
contents = st.binary() | st.lists(
    st.sampled_from([b"\r\n", b"\n", b"\r", b"--", b"xy", b"z", b"--xy", b"\r\n--", b"a"])
).map(b"".join)


@given(st.lists(st.tuples(names, names, contents), max_size=4))
def test_uploads_as_browsers_write_them_pass(uploads: list[tuple[str, str, bytes]]) -> None:
    body = b"".join(
        part(
            b'Content-Disposition: form-data; name="%s"; filename="%s"'
            % (name.replace('"', "%22").encode(), filename.replace('"', "%22").encode()),
            content.replace(b"xyz", b"xy"),
        )
        for name, filename, content in uploads
    )
    assert outcome(body + END) == (200, "")
    contents = sorted(content.replace(b"xyz", b"xy") for *_, content in uploads)
    assert sorted(content for *_, content in by_starlette(body + END, "xyz") or ()) == contents


PIECES = st.sampled_from(
    [b"--xyz", b"--xyz--", b"\r\n", b"\n", b"\r", b"\r\n\r\n", HEAD, FILE, b"x", b":", b"--", b" "]
)


@given(st.lists(PIECES, max_size=14).map(b"".join))
def test_no_bytes_crash_it_and_what_passes_is_read_alike(pieces: bytes) -> None:
    body = b"--xyz\r\n" + pieces
    status, rule = outcome(body)
    assert status in (200, 400)
    assert rule.startswith("body.") or status == 200
    if status == 200:
        assert by_werkzeug(body, "xyz") == by_starlette(body, "xyz") is not None


def test_an_upload_is_not_copied() -> None:
    body = part(HEAD, b"1") + part(FILE, b"\r\n--xy " * (1 << 20)) + END
    assert len(body) > 7 << 20
    outcome(part(HEAD, b"1") + END)  # what is remembered for good is not counted
    tracemalloc.start()
    try:
        assert outcome(body) == (200, "")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1 << 16


@pytest.mark.parametrize("piece", [b"--xyz", b"\r\n--xy", b"\r\n\r\n", b"\r", b"a"])
def test_the_cost_is_linear(piece: bytes) -> None:
    assert growth(lambda size: outcome(part(FILE, b"a" + piece * size) + END), 100_000) < 9
